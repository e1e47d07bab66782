import { describe, expect, it } from "vitest";

import { parseConfig } from "../../../../shared/domain/config.ts";

function faultsOf(data: unknown): string[] {
  const parsed = parseConfig(data);
  return "faults" in parsed ? parsed.faults.map(({ path, message }) => `${path.join(".")}: ${message}`) : [];
}

describe("a config", () => {
  it("may be empty, so that deployment works before there is a target", () => {
    expect(faultsOf(null)).toEqual([]);
    expect(faultsOf({ targets: [] })).toEqual([]);
  });

  it("may say everything that the design's example says", () => {
    expect(
      faultsOf({
        targets: [
          {
            name: "seoul",
            prometheus: "https://example.com/workspaces/ws-1",
            region: "ap-northeast-2",
            cluster: "c",
          },
        ],
        packs: ["llm-on-eks"],
        rules: ["rules/*.yml"],
        probes: [
          {
            id: "gpu-temperature",
            query: "max by (Hostname, gpu) (DCGM_FI_DEV_GPU_TEMP)",
            unit: "celsius",
            warn: "> 80",
            fail: "> 85",
            for: "5m",
            every: "1m",
            step: "15s",
            noData: "unknown",
            summary: "GPU {{ $labels.gpu }}",
            runbook: "https://example.com/runbook",
            playbook: "cordon-node",
          },
          {
            id: "gateway-errors",
            slo: { objective: 99, errors: "a[$window]", total: "b[$window]", minimumEvents: 100 },
          },
        ],
        notify: [
          { match: { severity: "critical" }, slack: "#llm-oncall", pagerduty: "sonde/pagerduty" },
          { slack: "#llm-ops" },
        ],
        langfuse: { url: "https://langfuse.example.com" },
        cost: { currency: "USD", timezone: "UTC", budgets: [{ tenant: "acme", daily: 100 }], prices: [] },
        remediation: { mode: "dry-run", approvers: ["U012AB3CD"], maxNodes: 1, maxPercent: 10 },
      }),
    ).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      "an unknown key names the nearest",
      { probes: [{ id: "a", querry: "up" }] },
      'probes.0.querry: unknown key; did you mean "query"?',
    ],
    [
      "an unknown key without a near one lists all",
      { targets: [{ name: "a", prometheus: "http://a", zzzzzz: 1 }] },
      "there are: name, prometheus",
    ],
    ["a missing key is missing", { targets: [{ name: "a" }] }, "targets.0.prometheus: is missing"],
    ["a wrong type says which is right", { probes: "x" }, "probes: must be a list"],
    [
      "a threshold says how it is written",
      { probes: [{ id: "a", fail: "over 9" }] },
      "probes.0.fail: write an operator and a number",
    ],
    [
      "a threshold with a for of its own is checked inside",
      { probes: [{ id: "a", fail: { when: "> 9", fro: "5m" } }] },
      'did you mean "for"?',
    ],
    [
      "a duration says how it is written",
      { probes: [{ id: "a", for: "5 min" }] },
      "probes.0.for: write a duration",
    ],
    [
      "a value of a few lists them",
      { probes: [{ id: "a", noData: "maybe" }] },
      'must be one of "unknown", "ok", "fail"',
    ],
    [
      "a URL says how it begins",
      { targets: [{ name: "a", prometheus: "localhost:9090" }] },
      "begins with http:// or https://",
    ],
  ])("%s", (_, data, expected) => {
    expect(faultsOf(data).join("\n")).toContain(expected);
  });
});
