import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

import { costTable, fastProbesLine, monthlyCost, transactionsLine } from "../../../bench/cost.ts";
import { buildAlarms } from "../../../stacks/alarms.ts";

const guide = readFileSync(new URL("../../../docs/deploy.md", import.meta.url), "utf8");

it("the deploy guide explains every alarm by its name", () => {
  const { Resources } = buildAlarms({
    name: "sonde-prod",
    functions: [
      "run-probes",
      "run-transactions",
      "notify-slack",
      "receive-alertmanager",
      "answer-slack",
      "apply-answer",
    ],
    config: { targets: ["any"], probes: ["any"] },
    service: "run-probes",
    email: "",
  });
  for (const { Properties } of Object.values(Resources))
    expect(guide).toContain(`\`${String(Properties.AlarmName).replace("sonde-prod-", "")}\``);
});

it("the deploy guide's costs are those that the bench prints", () => {
  expect(guide).toContain(costTable());
  expect(guide.replaceAll("\n", " ")).toContain(fastProbesLine());
  expect(guide).toContain(transactionsLine());
});

it("three targets cost less than $20 a month, but for what Managed Prometheus asks for their samples", () => {
  const lines = monthlyCost({ targets: 3, secondsPerRound: 2, samplesPerRound: 0, messages: 3_000 });
  expect(lines.reduce((sum, { dollars }) => sum + dollars, 0)).toBeLessThan(20);
});
