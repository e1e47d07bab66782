import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { parseConfig, type SondeConfig } from "../../../../shared/domain/config.ts";
import { checkDeployable } from "../../../../shared/domain/deployable.ts";

const minute = 60_000;
const url = "https://gateway.example.com/v1";
const amp =
  "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-12345678-90ab-cdef-1234-567890abcdef";
const dublin = { name: "dublin", prometheus: amp };
const local = { name: "local", prometheus: "https://prometheus.example.com/" };

function compile(config: SondeConfig) {
  return compileConfig(config, { packs: [], ruleFiles: [], certificates: {} });
}
const completion = (change: object = {}) => ({ name: "chat", url, model: "qwen3-8b", ...change });
const gateway = (change: object = {}, more: SondeConfig = {}) => {
  const parsed = parseConfig({ ...more, completion: [completion(change)] });
  if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
  return compile(parsed.config);
};

describe("completion in config", () => {
  it("is a probe with what is usual, from its name, URL and model", () => {
    const { compiled, faults, notes } = gateway({ url: `${url}/` });
    expect([faults, notes]).toEqual([[], []]);
    expect(compiled.transactions).toMatchObject([
      {
        id: "completion-chat",
        kind: "completion",
        target: "gateway",
        timeout: 1.5 * minute,
        probe: {
          kind: "completion",
          unit: "seconds",
          every: 5 * minute,
          variants: [{ query: `POST ${url}/chat/completions` }],
        },
        settings: {
          url,
          model: "qwen3-8b",
          apiKey: "",
          tenant: "sonde",
          tenantHeader: "x-tenant-id",
          limitBy: "max_tokens",
          maxTokensADay: 20_000,
          ttft: { warn: null, fail: null },
          traceWithin: null,
        },
      },
    ]);
  });

  it("takes what it is given", () => {
    const langfuse = { url: "https://langfuse.example.com" };
    const change = {
      every: "15m",
      for: "30m",
      ttft: { warn: "2s", fail: "10s" },
      traceWithin: "1m",
      timeout: "20s",
    };
    const { compiled, faults } = gateway(change, { langfuse });
    expect(faults).toEqual([]);
    expect(compiled.transactions.at(-1)).toMatchObject({
      timeout: 110_000,
      probe: { every: 15 * minute, levels: [{ for: 30 * minute }, { for: 30 * minute }] },
      settings: { ttft: { warn: 2_000, fail: 10_000 }, traceWithin: minute, requestTimeout: 20_000 },
    });
  });

  it.each([
    [[dublin], {}, "dublin"],
    [[dublin, local], {}, "gateway"],
    [[dublin, local], { target: "local" }, "local"],
  ])("of targets %j with %j belongs to %s", (targets, change, target) => {
    expect(gateway(change, { targets }).compiled.transactions).toMatchObject([{ target }]);
  });

  it.each([
    [{ url: `${url}/chat/completions` }, "url", /goes too deep/],
    [{ url: "https://user:pw@gateway.example.com/v1" }, "url", /holds a password/],
    [{ url: `${url}?key=a` }, "url", /holds more than an address/],
    [{ apiKey: "sk-0123" }, "apiKey", /holds a key itself/],
    [{ headers: { Authorization: "Bearer a" } }, "headers", /Authorization looks like a key/],
    [{ headers: { "x-bf-vk": "a" } }, "headers", /x-bf-vk looks like a key/],
    [{ headers: { "x-api-key": "a" } }, "headers", /x-api-key looks like a key/],
    [{ target: "dubin" }, "target", /did you mean "dublin"/],
    [{ every: "30s" }, "every", /shorter than a minute/],
    [{ ca: "ca.pem" }, "ca", /holds no certificate/],
    [{ traceWithin: "1m" }, "traceWithin", /needs langfuse/],
  ])("is refused with %j", (change, key, message) => {
    const { compiled, faults } = gateway(change, { targets: [dublin] });
    expect(faults).toEqual([{ path: ["completion", 0, key], message: expect.stringMatching(message) }]);
    expect(compiled.transactions).toEqual([]);
    expect(JSON.stringify(faults)).not.toMatch(/sk-0123|user:pw/);
  });

  it("is refused twice under one name", () => {
    const { faults } = compile({ completion: [completion(), completion()] });
    expect(faults).toMatchObject([{ path: ["completion", 1, "name"] }]);
  });

  it("says where a day has not enough tokens", () => {
    const { notes } = gateway({ every: "1m" });
    expect(notes).toMatchObject([
      {
        path: ["completion", 0, "every"],
        message: expect.stringMatching(/may take 92160 tokens a day, of 20000/),
      },
    ]);
    expect(gateway({ every: "1m", maxTokensADay: 100_000 }).notes).toEqual([]);
  });

  it("needs a place that Lambda reaches, and its secret's name", () => {
    const { compiled } = gateway({ url: "http://bifrost.llm.svc:8080/v1", apiKey: "sonde/*" });
    expect(checkDeployable(compiled).faults).toEqual([
      expect.stringMatching(/^transaction "completion-chat": .*svc/),
      expect.stringContaining('"sonde/*"'),
    ]);
  });
});

describe("writePath in config", () => {
  it("is a probe of each target, at the address that its kind takes samples by", () => {
    const { compiled, faults } = compile({ targets: [dublin, local], writePath: { lag: { fail: "1m" } } });
    expect(faults).toEqual([]);
    expect(compiled.transactions).toMatchObject([
      {
        id: "write-path",
        kind: "write-path",
        target: "dublin",
        settings: { url: `${amp}/api/v1/remote_write`, delay: 30_000 },
      },
      {
        target: "local",
        settings: {
          url: "https://prometheus.example.com/api/v1/write",
          delay: 0,
          lag: { warn: null, fail: minute },
        },
      },
    ]);
  });
});

describe("alertPath in config", () => {
  it("is a drill of each target of Managed Prometheus, and of others that are named", () => {
    const targets = [dublin, local];
    const of = (config: SondeConfig) =>
      compile({ targets, ...config }).compiled.transactions.map(({ target }) => target);
    expect(of({ alertPath: {} })).toEqual(["dublin"]);
    expect(of({ alertPath: { targets: ["local"] } })).toEqual(["local"]);
  });
});

it.each(["writePath", "alertPath"] as const)(
  "%s names targets that there are, and leaves a minute between runs",
  (key) => {
    const { faults } = compile({ targets: [dublin], [key]: { targets: ["dubin"], every: "10s" } });
    expect(faults).toEqual([
      { path: [key, "every"], message: "is shorter than a minute" },
      { path: [key, "targets", 0], message: 'no target is called "dubin": did you mean "dublin"?' },
    ]);
  },
);
