import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";

const none = { packs: [], ruleFiles: [], certificates: {} };

function ruleFile(file: string, ...alerts: string[]) {
  return {
    file,
    data: { groups: [{ name: "g", rules: alerts.map((alert) => ({ alert, expr: "up == 0" })) }] },
  };
}

describe("ids of probes", () => {
  it.each(["blind", "constructor", "toString"])("cannot be %s, which Sonde's state has a use for", (id) => {
    const { faults } = compileConfig({ probes: [{ id, query: "up", fail: "< 1" }] }, none);
    expect(faults).toEqual([
      { path: ["probes"], message: `no probe can be called "${id}": take another id` },
    ]);
  });

  it("are made different where rule files name alerts alike, because rule files are taken as they are", () => {
    const ruleFiles = [ruleFile("a.yml", "TargetDown", "blind"), ruleFile("b.yml", "TargetDown", "gpu-hot")];
    const { compiled, faults } = compileConfig(
      { probes: [{ id: "gpu-hot", query: "up", fail: "< 1" }] },
      { ...none, ruleFiles },
    );
    expect(faults).toEqual([]);
    expect(compiled.probes.map(({ id }) => id)).toEqual([
      "gpu-hot",
      "TargetDown",
      "blind-2",
      "TargetDown-2",
      "gpu-hot-2",
    ]);
  });
});

describe("a target", () => {
  it.each([
    "aps-workspaces.eu-west-1.amazonaws.com",
    "aps-workspaces-fips.eu-west-1.api.aws",
    "vpce-0a1b-x.aps-workspaces.eu-west-1.vpce.amazonaws.com",
  ])("on %s is AMP: signed, asked half a minute late and within its limits", (host) => {
    const { compiled } = compileConfig(
      { targets: [{ name: "a", prometheus: `https://${host}/workspaces/ws-1` }] },
      none,
    );
    expect(compiled.targets).toMatchObject([
      { amp: true, delay: 30_000, auth: { kind: "sigv4", region: "eu-west-1", service: "aps" } },
    ]);
  });
});

it("says of everything in the config that does nothing yet that it does nothing yet", () => {
  const { notes, faults } = compileConfig(
    {
      notify: [{ slack: "#ops", pagerduty: "sonde/pagerduty" }, {}],
      langfuse: { url: "https://langfuse.example.com" },
      cost: {},
      remediation: { mode: "dry-run" },
    },
    none,
  );
  expect(faults).toEqual([]);
  expect(notes.map(({ path }) => path.join("."))).toEqual(["notify.1", "cost", "remediation"]);
});
