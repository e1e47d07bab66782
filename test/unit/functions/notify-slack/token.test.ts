import { describe, expect, test } from "vitest";

import { readToken } from "../../../../functions/notify-slack/token.ts";
import { ConfigError } from "../../../../shared/domain/errors.ts";

describe("the bot token in a secret", () => {
  test.each(["xoxb-1-abc", " xoxb-1-abc\n", '{"token": "xoxb-1-abc"}', '{"token":"xoxb-1-abc","other":1}'])(
    "is found in %j",
    (secret) => {
      expect(readToken("sonde/slack", secret)).toBe("xoxb-1-abc");
    },
  );

  test.each(["", "hunter2", "{}", "{broken", '{"token": 5}', "xoxb-", "xoxb-with space"])(
    "is missed in %j, in words that name the secret and never show it",
    (secret) => {
      const read = () => readToken("sonde/slack", secret);
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(/sonde\/slack/);
      if (secret.length > 5) expect(read).not.toThrow(secret);
    },
  );
});
