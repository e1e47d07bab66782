import { describe, expect, it } from "vitest";

import { compileConfig } from "../../../../shared/domain/compile.ts";
import { parseConfig, type SondeConfig } from "../../../../shared/domain/config.ts";
import { checkDeployable } from "../../../../shared/domain/deployable.ts";
import { transactionSecrets } from "../../../../shared/domain/transactions/compiled.ts";

const minute = 60_000;

function compile(config: SondeConfig) {
  return compileConfig(config, { packs: [], ruleFiles: [], certificates: {} });
}
type Trace = NonNullable<SondeConfig["traces"]>[number];
type Log = NonNullable<SondeConfig["logs"]>[number];

const langsmith: Trace = {
  kind: "langsmith",
  endpoint: "https://api.smith.langchain.com/",
  headers: { "x-api-key": "sonde/langsmith" },
};
const tempo: Trace = {
  kind: "tempo",
  endpoint: "https://otlp.example.com",
  query: "https://tempo.example.com",
};
const jaeger: Trace = { ...tempo, kind: "jaeger" };
const otlp: Trace = { kind: "otlp", endpoint: "https://otlp.example.com" };
const loki: Log = { kind: "loki", url: "https://loki.example.com/" };

describe("traces in config", () => {
  it("are a trace probe each, with what is usual", () => {
    const { compiled, faults, notes } = compile({ traces: [langsmith, tempo, jaeger, otlp] });
    expect([faults, notes]).toEqual([[], []]);
    expect(compiled.transactions).toMatchObject([
      {
        id: "trace-langsmith",
        kind: "trace",
        provider: "langsmith",
        target: "traces",
        timeout: 3.5 * minute,
        probe: { kind: "trace", every: 15 * minute },
        settings: { query: "https://api.smith.langchain.com", project: "sonde-probe", encoding: "protobuf" },
      },
      { id: "trace-tempo", provider: "tempo", probe: { every: 5 * minute }, settings: { project: "" } },
      { id: "trace-jaeger", provider: "jaeger", settings: { query: "https://tempo.example.com" } },
      { id: "trace-otlp", provider: "otlp", settings: { query: "" } },
    ]);
    expect(compiled.transactions.map(({ probe }) => probe.variants[0]?.query)).toEqual([
      "POST https://api.smith.langchain.com/otel/v1/traces",
      "POST https://otlp.example.com/v1/traces",
      "POST https://otlp.example.com/v1/traces",
      "POST https://otlp.example.com/v1/traces",
    ]);
  });

  it("read a self-hosted LangSmith beside its OTLP path", () => {
    const { compiled } = compile({
      traces: [{ ...langsmith, endpoint: "https://smith.example.com/api/v1" }],
    });
    expect(compiled.transactions).toMatchObject([{ settings: { query: "https://smith.example.com" } }]);
  });

  it("read with the same headers as they send, unless told otherwise", () => {
    const own = { headers: { authorization: "sonde/write" }, queryHeaders: { authorization: "sonde/read" } };
    const { compiled } = compile({
      traces: [
        { ...tempo, headers: own.headers },
        { ...jaeger, ...own },
      ],
    });
    expect(compiled.transactions.map(transactionSecrets)).toEqual([
      ["sonde/write"],
      ["sonde/write", "sonde/read"],
    ]);
  });

  it("says that LangSmith's free plan has fewer traces", () => {
    const { notes } = compile({ traces: [{ ...langsmith, every: "5m" }] });
    expect(notes).toEqual([
      {
        path: ["traces", 0, "every"],
        message: "is 5m: more traces a month than LangSmith's free plan has",
      },
    ]);
  });

  it.each<[Partial<Trace>, Trace, string, RegExp]>([
    [{ query: undefined }, tempo, "query", /is needed: the address of Tempo's query API/],
    [{ query: undefined }, jaeger, "query", /is needed: the address of Jaeger's query API/],
    [{ query: "https://a.example.com" }, otlp, "query", /reads nothing back/],
    [{ headers: {} }, langsmith, "headers", /has no x-api-key/],
    [{ headers: { "x-api-key": "lsv2_pt_0123" } }, langsmith, "headers", /x-api-key holds a key itself/],
    [{ headers: { authorization: "Bearer abc" } }, tempo, "headers", /authorization holds a key itself/],
    [{ headers: { "not a header": "sonde/x" } }, tempo, "headers", /is no name of a header/],
    [{ project: "mine" }, tempo, "project", /is LangSmith's/],
    [{ orgId: "a" }, jaeger, "orgId", /is Tempo's and Loki's/],
    [{ endpoint: "https://otlp.example.com/v1/traces" }, otlp, "endpoint", /goes too deep/],
    [{ endpoint: "https://u:p@otlp.example.com" }, otlp, "endpoint", /holds a password/],
    [{ endpoint: "https://otlp.example.com?a=b" }, otlp, "endpoint", /holds more than an address/],
    [{ query: "https://tempo.example.com/api/traces" }, tempo, "query", /goes too deep/],
    [{ every: "30s" }, otlp, "every", /shorter than a minute/],
    [{ ca: "missing.pem" }, otlp, "ca", /holds no certificate/],
  ])("with %o of %o is at fault", (change, base, key, says) => {
    const { compiled, faults } = compile({ traces: [{ ...base, ...change }] });
    expect(compiled.transactions).toEqual([]);
    expect(faults).toMatchObject([{ path: ["traces", 0, key], message: expect.stringMatching(says) }]);
  });

  it("want a name each where two are of a kind", () => {
    const { faults } = compile({ traces: [otlp, otlp, { ...otlp, name: "second" }] });
    expect(faults).toEqual([
      { path: ["traces", 1, "name"], message: '"otlp" is taken: give each its own name' },
    ]);
  });
});

describe("logs in config", () => {
  it("are a log probe each, pushed or on stdout", () => {
    const agent: Log = { ...loki, name: "agent", via: "stdout", selector: '{namespace="sonde"}' };
    const { compiled, faults } = compile({ logs: [{ ...loki, orgId: "team-a" }, agent] });
    expect(faults).toEqual([]);
    expect(compiled.transactions).toMatchObject([
      {
        id: "log-loki",
        kind: "log",
        target: "logs",
        probe: { kind: "log", variants: [{ query: "POST https://loki.example.com/loki/api/v1/push" }] },
        settings: {
          endpoint: "https://loki.example.com",
          query: "https://loki.example.com",
          orgId: "team-a",
        },
      },
      {
        id: "log-agent",
        probe: {
          variants: [{ query: "stdout, read by https://loki.example.com/loki/api/v1/query_range" }],
        },
      },
    ]);
  });

  it.each<[Partial<Log>, string, RegExp]>([
    [{ via: "stdout" }, "selector", /is needed with via: stdout/],
    [{ selector: '{a="b"}' }, "selector", /is for via: stdout/],
    [{ url: "https://loki.example.com/loki/api/v1/push" }, "url", /goes too deep/],
    [{ headers: { authorization: "Basic YTpi" } }, "headers", /holds a key itself/],
  ])("with %o are at fault", (change, key, says) => {
    const { faults } = compile({ logs: [{ ...loki, ...change }] });
    expect(faults).toMatchObject([{ path: ["logs", 0, key], message: expect.stringMatching(says) }]);
  });
});

it("neither goes with a target of its own target's name", () => {
  const target = (name: string) => ({ name, prometheus: "http://localhost:9090" });
  const { faults } = compile({ targets: [target("traces"), target("logs")], traces: [otlp], logs: [loki] });
  expect(faults.map(({ path }) => path)).toEqual([
    ["traces", 0, "name"],
    ["logs", 0, "name"],
  ]);
});

it("a kind that nobody knows and a key that nobody knows are faults", () => {
  for (const traces of [[{ kind: "zipkin", endpoint: "http://a.example.com" }], [{ ...otlp, url: "x" }]])
    expect(parseConfig({ traces })).toHaveProperty("faults");
});

it("addresses that Lambda cannot reach are told for sending and for reading", () => {
  const { compiled } = compile({
    traces: [{ ...tempo, endpoint: "http://collector.otel.svc:4318", query: "http://localhost:3200" }],
    logs: [{ ...loki, url: "http://10.0.0.7:3100" }],
  });
  const { faults, warnings } = checkDeployable(compiled);
  expect(faults).toEqual([
    expect.stringMatching(/^transaction "trace-tempo": collector.otel.svc exists inside its cluster only/),
    expect.stringMatching(/^transaction "trace-tempo": localhost is the function itself/),
  ]);
  expect(warnings).toEqual([expect.stringMatching(/^transaction "log-loki": 10.0.0.7 is a private address/)]);
});
