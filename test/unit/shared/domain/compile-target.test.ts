import { describe, expect, it } from "vitest";

import { compileTargets } from "../../../../shared/domain/compile-target.ts";
import type { TargetConfig } from "../../../../shared/domain/config.ts";
import type { ConfigFault } from "../../../../shared/domain/faults.ts";

const amp = "https://aps-workspaces.ap-northeast-2.amazonaws.com/workspaces/ws-1";

function compile(...targets: TargetConfig[]) {
  const faults: ConfigFault[] = [];
  const compiled = compileTargets(targets, { "ca.pem": "PEM" }, faults);
  return { compiled, faults: faults.map(({ path, message }) => `${path.join(".")}: ${message}`) };
}

describe("a target", () => {
  it("of Managed Prometheus is known by its address: signed, asked 30 s late, and guarded against costly queries", () => {
    expect(compile({ name: "seoul", prometheus: `${amp}/` }).compiled).toEqual([
      {
        name: "seoul",
        url: amp,
        auth: { kind: "sigv4", region: "ap-northeast-2", service: "aps" },
        amp: true,
        delay: 30_000,
        maxSamplesPerQuery: 25_000_000,
      },
    ]);
  });

  it("of another account assumes its role", () => {
    const assumeRole = { roleArn: "arn:aws:iam::111122223333:role/sonde" };
    expect(compile({ name: "seoul", prometheus: amp, assumeRole }).compiled[0]?.auth).toMatchObject({
      assumeRole,
    });
  });

  it("of any other Prometheus is asked plainly, now, and without AMP's parameters", () => {
    expect(compile({ name: "lab", prometheus: "http://localhost:9090" }).compiled).toEqual([
      { name: "lab", url: "http://localhost:9090", auth: { kind: "none" }, amp: false, delay: 0 },
    ]);
  });

  it("names its secrets and brings its certificate", () => {
    const auth = { basic: { username: "sonde", passwordSecret: "lab/password" } };
    expect(compile({ name: "lab", prometheus: "https://lab", auth, ca: "ca.pem" }).compiled).toMatchObject([
      { auth: { kind: "basic", username: "sonde", passwordSecret: "lab/password" }, ca: "PEM" },
    ]);
  });

  it.each<[string, TargetConfig, string]>([
    [
      "a password in the address",
      { name: "a", prometheus: "https://u:p@lab" },
      "targets.0.prometheus: holds a password",
    ],
    [
      "a query in the address",
      { name: "a", prometheus: "https://lab?x=1" },
      "targets.0.prometheus: holds more than an address",
    ],
    [
      "a certificate that is not there",
      { name: "a", prometheus: "https://lab", ca: "b.pem" },
      "targets.0.ca: b.pem",
    ],
  ])("is refused for %s", (_, target, fault) => {
    const { compiled, faults } = compile(target);
    expect(compiled).toEqual([]);
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  it("is refused where another has its name", () => {
    const { faults } = compile(
      { name: "a", prometheus: "https://x" },
      { name: "a", prometheus: "https://y" },
    );
    expect(faults).toEqual(['targets.1.name: two targets are called "a"']);
  });
});
