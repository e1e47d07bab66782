import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";

import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { Retryable } from "../../shared/domain/errors.ts";
import { patience } from "../../shared/lambda/patience.ts";
import { serveHttp } from "../support/loopback.ts";

test("a function waits for no answer for ever: it asks three times, and may try again later", async () => {
  let asked = 0;
  const silent = await serveHttp(() => {
    asked += 1;
  });
  const client = new S3Client({
    ...patience,
    requestHandler: { ...patience.requestHandler, requestTimeout: 50 },
    endpoint: `http://127.0.0.1:${silent.port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
  });
  await expect(buildS3Store(client, "state").read("silences.json")).rejects.toThrow(Retryable);
  expect(asked).toBe(3);
  await silent.stop();
});
