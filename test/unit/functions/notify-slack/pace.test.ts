import { expect, test } from "vitest";

import { buildPace } from "../../../../functions/notify-slack/pace.ts";

test("a channel's messages start more than a second apart, and channels do not wait for each other", async () => {
  let now = 1_000_000;
  const starts: string[] = [];
  const pace = buildPace(
    () => now,
    async (ms) => {
      now += ms;
    },
  );
  for (const channel of ["#a", "#a", "#b", "#a"]) {
    await pace(channel);
    starts.push(`${channel} ${now - 1_000_000}`);
  }
  expect(starts).toEqual(["#a 0", "#a 1100", "#b 1100", "#a 2200"]);
});
