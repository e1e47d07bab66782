import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { buildCredentials } from "../../shared/adapters/aws-credentials.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";

const now = () => Date.now();
const region = "eu-west-1";
const roleArn = "arn:aws:iam::123456789012:role/reader";

beforeEach(() => {
  vi.stubEnv("AWS_PROFILE", undefined);
  vi.stubEnv("AWS_SESSION_TOKEN", undefined);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDENV");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});
afterEach(() => vi.unstubAllEnvs());

it("come from the environment by the SDK's default chain", async () => {
  expect(await buildCredentials({ region, now })()).toMatchObject({
    accessKeyId: "AKIDENV",
    secretAccessKey: "secret",
  });
});

describe("an assumed role", () => {
  let sts: Loopback | undefined;
  const asked: { body: string; authorization: string }[] = [];

  async function serve(status: number, answer: string) {
    asked.length = 0;
    sts = await serveHttp(async (request, response) => {
      asked.push({ body: await text(request), authorization: String(request.headers.authorization) });
      response.writeHead(status, { "content-type": "text/xml" }).end(answer);
    });
    vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${sts.port}`);
  }
  afterEach(() => sts?.stop());

  it("is asked for once, with the external id, and signed with the default chain's credentials", async () => {
    await serve(
      200,
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
    const assumeRole = { roleArn, externalId: "partner-7", sessionName: "sonde-seoul" };
    const get = buildCredentials({ region, now, assumeRole });
    expect(await get()).toMatchObject({ accessKeyId: "ASIAROLE", secretAccessKey: "s", sessionToken: "t" });
    await get();
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toMatchObject({
      Action: "AssumeRole",
      RoleArn: roleArn,
      RoleSessionName: "sonde-seoul",
      ExternalId: "partner-7",
    });
    expect(asked[0]?.authorization).toMatch(/Credential=AKIDENV\/\d{8}\/eu-west-1\/sts\//);
  });

  it("that is denied names the action and both sides of the trust", async () => {
    await serve(
      403,
      `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
        <Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    );
    const get = buildCredentials({ region, now, assumeRole: { roleArn, sessionName: "sonde" } });
    await expect(get()).rejects.toThrow(
      `not allowed to assume ${roleArn}: allow sts:AssumeRole on it here, and trust this role there`,
    );
  });
});
