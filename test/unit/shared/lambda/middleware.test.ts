import { describe, expect, test } from "vitest";

import { ConfigError } from "../../../../shared/domain/errors.ts";
import type { Log } from "../../../../shared/lambda/logger.ts";
import { type LambdaContext, logEscapedErrors, wrapHandler } from "../../../../shared/lambda/middleware.ts";

const context: LambdaContext = {
  awsRequestId: "request-1",
  functionName: "sonde-test",
  getRemainingTimeInMillis: () => 30_000,
};

describe("a wrapped handler", () => {
  test("gets event and context, and its answer is Lambda's", async () => {
    const handler = wrapHandler("test", async (event: { n: number }, { getRemainingTimeInMillis }) => [
      event.n,
      getRemainingTimeInMillis(),
    ]);
    expect(await handler({ n: 1 }, context)).toEqual([1, 30_000]);
  });

  test("fails with the error that it threw", async () => {
    const lines: unknown[] = [];
    const fail = async () => {
      throw new ConfigError("a secret is missing");
    };
    const handler = wrapHandler("test", fail, (level, message) => lines.push([level, message]));
    await expect(handler({}, context)).rejects.toThrow(ConfigError);
    expect(lines).toEqual([["error", "a secret is missing"]]);
  });
});

test("an error that escapes is one line with its name and causes, and nothing of the event", () => {
  const lines: Parameters<Log>[] = [];
  const { onError } = logEscapedErrors("notify-slack", (...line) => lines.push(line));
  const error = new ConfigError("no bucket", { cause: new Error("403", { cause: new Error("denied") }) });
  onError?.({ event: { secret: "xoxb-1" }, context, response: undefined, error, internal: {} });
  expect(lines).toEqual([
    [
      "error",
      "no bucket",
      { function: "notify-slack", error: "ConfigError", causes: ["Error: 403", "Error: denied"] },
    ],
  ]);
});
