import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { describe, expect, test } from "vitest";

import { buildReadSecret } from "../../../../shared/adapters/secrets.ts";
import { ConfigError, Retryable } from "../../../../shared/domain/errors.ts";

const minute = 60_000;

function setUp(answer: () => unknown) {
  let now = 0;
  const asked: unknown[] = [];
  const client: Pick<SecretsManagerClient, "send"> = {
    send: async (command: unknown) => {
      asked.push(command instanceof GetSecretValueCommand ? command.input.SecretId : command);
      return answer();
    },
  };
  return {
    read: buildReadSecret(client, () => now),
    asked,
    wait: (ms: number) => {
      now += ms;
    },
  };
}

function failing(name: string): () => never {
  return () => {
    throw Object.assign(new Error("no"), { name });
  };
}

describe("reading a secret", () => {
  test("asks once in five minutes, and once for several who ask at the same time", async () => {
    const { read, asked, wait } = setUp(() => ({ SecretString: "xoxb-1" }));
    expect(await Promise.all([read("sonde/slack"), read("sonde/slack")])).toEqual(["xoxb-1", "xoxb-1"]);
    wait(4 * minute);
    await read("sonde/slack");
    expect(asked).toEqual(["sonde/slack"]);
    wait(minute);
    await read("sonde/slack");
    expect(asked).toHaveLength(2);
  });

  test("does not remember a failure", async () => {
    let broken = true;
    const { read } = setUp(() => (broken ? failing("InternalServiceError")() : { SecretString: "xoxb-1" }));
    await expect(read("sonde/slack")).rejects.toThrow(Retryable);
    broken = false;
    expect(await read("sonde/slack")).toBe("xoxb-1");
  });

  test.each([
    { name: "ResourceNotFoundException", says: /no secret "sonde\/slack": aws secretsmanager create-secret/ },
    { name: "AccessDeniedException", says: /secretsmanager:GetSecretValue/ },
  ])("says what to do after $name", async ({ name, says }) => {
    const { read } = setUp(failing(name));
    await expect(read("sonde/slack")).rejects.toThrow(ConfigError);
    await expect(read("sonde/slack")).rejects.toThrow(says);
  });

  test("says so where a secret holds no text", async () => {
    await expect(setUp(() => ({})).read("sonde/slack")).rejects.toThrow(/holds no text/);
  });
});
