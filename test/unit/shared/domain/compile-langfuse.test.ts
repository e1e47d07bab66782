import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { parseConfig, type SondeConfig } from "../../../../shared/domain/config.ts";
import { parseLangfuseKeys } from "../../../../shared/domain/transactions/langfuse-keys.ts";
import { isDue } from "../../../../shared/domain/transactions/transaction-state.ts";

const minute = 60_000;
const none = { packs: [], ruleFiles: [], certificates: {} };

function compile(langfuse: SondeConfig["langfuse"], more: SondeConfig = {}) {
  return compileConfig({ ...more, langfuse }, none);
}
const url = "https://langfuse.example.com";

describe("langfuse in config", () => {
  it("is a trace probe with what is usual, from its URL alone", () => {
    const { compiled, faults, notes } = compile({ url: `${url}/` });
    expect([faults, notes]).toEqual([[], []]);
    expect(compiled.transactions).toMatchObject([
      {
        id: "langfuse-trace",
        kind: "trace",
        target: "langfuse",
        timeout: 3.5 * minute,
        probe: { kind: "trace", every: 5 * minute, unit: "seconds" },
        settings: {
          url,
          publicUrl: url,
          keys: "sonde/langfuse",
          plan: "self-hosted",
          environment: "sonde-probe",
          encoding: "protobuf",
        },
      },
    ]);
  });

  it("is no probe where it is switched off", () => {
    expect(compile({ url, enabled: false }).compiled.transactions).toEqual([]);
  });

  it.each([
    [{ url }, {}],
    [{ url: "https://cloud.langfuse.com" }, { plan: "hobby" }],
    [{ url: "https://us.cloud.langfuse.com", plan: "core" as const }, { plan: "core" }],
    [{ url: "https://notlangfuse.com" }, { plan: "self-hosted" }],
  ])("%o is on %o", (langfuse, settings) => {
    expect(compile(langfuse).compiled.transactions).toMatchObject([{ settings }]);
  });

  it("runs no more often than the plan has deletions for, and says so", () => {
    const { compiled, notes } = compile({ url, plan: "hobby", every: "1m" });
    expect(compiled.transactions[0]?.probe.every).toBe(36 * minute);
    expect(notes).toEqual([
      {
        path: ["langfuse", "every"],
        message: "is 1m: plan hobby allows so few deletions that a trace is sent every 36m",
      },
    ]);
  });

  it.each([
    [{ url: `${url}/api/public/otel` }, "url", /without \/api/],
    [{ url: "https://user:pass@langfuse.example.com" }, "url", /keys stand in the secret/],
    [{ url: `${url}?a=b` }, "url", /more than an address/],
    [{ url, publicUrl: `${url}/api/auth` }, "publicUrl", /without \/api/],
    [{ url, keys: "sk-lf-1234" }, "keys", /holds a key itself/],
    [{ url, ca: "ca.pem" }, "ca", /holds no certificate/],
  ])("refuses %o at %s", (langfuse, key, says) => {
    const { faults, compiled } = compile(langfuse);
    expect(faults).toMatchObject([{ path: ["langfuse", key] }]);
    expect(faults[0]?.message).toMatch(says);
    expect(faults[0]?.message).not.toContain("sk-lf-1234");
    expect(compiled.transactions).toEqual([]);
  });

  it("refuses a target and a probe that are called as its own are", () => {
    const named = { targets: [{ name: "langfuse", prometheus: "http://localhost:9090" }] };
    expect(compile({ url }, named).faults).toMatchObject([{ path: ["langfuse", "url"] }]);
    const probes = [{ id: "langfuse-trace", query: "up" }];
    expect(compile({ url }, { probes }).faults).toMatchObject([{ path: ["probes"] }]);
  });

  it.each(["Sonde", "langfuse-probe", "a b", "x".repeat(41)])(
    "refuses the environment %j, which Langfuse would drop",
    (environment) => {
      expect(parseConfig({ langfuse: { url, environment } })).toMatchObject({
        faults: [{ path: ["langfuse", "environment"] }],
      });
    },
  );

  it("names the nearest key where one is unknown", () => {
    expect(parseConfig({ langfuse: { url, environmnet: "x" } })).toMatchObject({
      faults: [{ message: 'unknown key; did you mean "environment"?' }],
    });
  });
});

describe("a key pair in a secret", () => {
  it.each(["pk-lf-1:sk-lf-2", " pk-lf-1:sk-lf-2\n", '{"publicKey":"pk-lf-1","secretKey":"sk-lf-2"}'])(
    "is read from %j",
    (text) => {
      expect(parseLangfuseKeys(text, "sonde/langfuse")).toEqual({
        publicKey: "pk-lf-1",
        secretKey: "sk-lf-2",
      });
    },
  );

  it.each(["sk-lf-alone", "", ":", "{", '{"publicKey":"pk-lf-1"}'])(
    "is not there in %j, and the error shows nothing of it",
    (text) => {
      const read = () => parseLangfuseKeys(text, "sonde/langfuse");
      expect(read).toThrow(/the secret "sonde\/langfuse" holds no key pair/);
      expect(read).not.toThrow(/alone|pk-lf-1/);
    },
  );
});

describe("a transaction", () => {
  const lease = (until: number) => ({ holder: "somebody", until: until * minute });
  it.each([
    ["never ran", { startedAt: 0, finishedAt: 0, lease: null }, true],
    ["ran a while ago", { startedAt: 95 * minute, finishedAt: 96 * minute, lease: null }, true],
    ["ran just now", { startedAt: 96 * minute, finishedAt: 97 * minute, lease: null }, false],
    ["is under way", { startedAt: 94 * minute, finishedAt: 90 * minute, lease: lease(102) }, false],
    ["crashed", { startedAt: 95 * minute, finishedAt: 90 * minute, lease: lease(99) }, true],
    ["crashed as it began", { startedAt: 98 * minute, finishedAt: 90 * minute, lease: lease(99) }, false],
  ])("that %s is due: %s %s", (_, state, due) => {
    const one = { ...state, probe: null, memory: null };
    expect(isDue(one, 5 * minute, 100 * minute, 101 * minute)).toBe(due);
  });
});
