import { afterEach, describe, expect, it } from "vitest";

import type { BackendFault } from "../../cli/stage/backends/faults.ts";
import type { BackendDiagnosis } from "../../shared/domain/transactions/backends/backend-diagnoses.ts";
import { diagnoseBackend, diagnoseSend } from "../../shared/domain/transactions/backends/diagnose-backend.ts";
import { lokiAfterwards, lokiDiagnoses } from "../../shared/domain/transactions/backends/loki.ts";
import {
  traceBackendKinds,
  traceBackends,
} from "../../shared/domain/transactions/backends/trace-backends.ts";
import type { Diagnosis } from "../../shared/domain/transactions/diagnosis.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import { type BackendRig, type BackendRun, secretValue, startBackendRig } from "../support/backend-probe.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type Loopback, serveHttp, serveTcp } from "../support/loopback.ts";

const rigs: BackendRig[] = [];
const servers: Loopback[] = [];
afterEach(async () => {
  await Promise.all([
    ...rigs.splice(0).map(({ stage }) => stage.stop()),
    ...servers.splice(0).map(({ stop }) => stop()),
  ]);
});

type Kind = Parameters<typeof startBackendRig>[0];
const kinds = [...traceBackendKinds, "loki"] as const;
const telling = ["langsmith", "tempo", "jaeger", "loki"] as const;

async function rig(kind: Kind, options: Parameters<typeof startBackendRig>[1] = {}): Promise<BackendRig> {
  const started = await startBackendRig(kind, options);
  rigs.push(started);
  return started;
}

function diagnosesOf(kind: Kind): Readonly<Record<string, Diagnosis>> {
  return kind === "loki" ? lokiDiagnoses : traceBackends[kind].diagnoses;
}

const proven = new Map<Kind, Set<string>>(kinds.map((kind) => [kind, new Set()]));

/** The finding that was expected, word for word by the record, and first among all. */
function expectFirst(kind: Kind, result: TransactionResult, id: BackendDiagnosis, seen: RegExp): void {
  const wanted = diagnosesOf(kind)[id];
  expect(result.findings.map((one) => one.id)).toContain(id);
  expect(result.findings[0]).toMatchObject({
    id,
    verdict: wanted?.verdict,
    cause: wanted?.cause,
    fix: wanted?.fix,
  });
  expect(result.findings[0]?.seen).toMatch(seen);
  proven.get(kind)?.add(id);
}

const afterwards: Readonly<Record<Kind, string>> = {
  langsmith: "its deletion is asked for",
  tempo: "Tempo deletes no trace on request",
  jaeger: "Jaeger deletes no trace on request",
  otlp: "nothing was read back",
  loki: lokiAfterwards,
};

/** After a run that is well nothing is waited for any more, and what cannot be deleted is said to stay. */
async function expectNothingLeft(kind: Kind, { stage, run, clock }: BackendRig): Promise<void> {
  stage.setFault(null);
  clock.pass(10 * 60_000);
  const after = await run();
  expect(after.findings).toEqual([]);
  expect(after.leftovers).toEqual([]);
  expect(after.says).toContain(afterwards[kind]);
  if (kind === "langsmith") expect(stage.kept()).toEqual([]);
}

describe.each(kinds)("what is sent to %s", (kind) => {
  it("is well where the backend is", async () => {
    const own = await rig(kind);
    const result = await own.run();
    expect(result.findings).toEqual([]);
    expect(result.labels).toEqual({ backend: kind, environment: "sonde-probe" });
    expect(result.value).not.toBeNull();
    await expectNothingLeft(kind, own);
  });

  it.each<{ fault: BackendFault; id: BackendDiagnosis; seen: RegExp; change?: Partial<BackendRun> }>([
    { fault: "silent", id: "timeout", seen: /no whole answer/, change: { timeoutMs: 150 } },
    { fault: "unauthorized", id: "unauthorized", seen: /401 Unauthorized/ },
    { fault: "forbidden", id: "forbidden", seen: /403 Forbidden/ },
    { fault: "wrong-path", id: "wrong-path", seen: /404 404 page not found/ },
    { fault: "redirects", id: "redirected", seen: /301 HTML to https:\/\/otlp/ },
    { fault: "web-page", id: "html-answer", seen: /200 HTML/ },
    { fault: "too-small", id: "too-large", seen: /413 HTML/ },
    { fault: "limited", id: "rate-limited", seen: /429 rate limit/ },
    { fault: "refuses", id: "bad-request", seen: /400 no thanks/ },
    { fault: "no-backend", id: "no-backend", seen: /503 HTML/ },
    { fault: "broken", id: "server-error", seen: /500 unexpected error/ },
    { fault: "teapot", id: "unexpected-status", seen: /260 blocked/ },
  ])("$fault is $id", async ({ fault, id, seen, change = {} }) => {
    const own = await rig(kind);
    own.stage.setFault(fault);
    expectFirst(kind, await own.run(change), id, seen);
    await expectNothingLeft(kind, own);
  });

  it("finds a closed port, an unknown name, a reset and a certificate that nobody knows", async () => {
    const own = await rig(kind);
    const closed = await serveTcp(() => undefined);
    await closed.stop();
    expectFirst(kind, await own.run({ endpoint: at(closed) }), "refused", /ECONNREFUSED/);
    const unknown = { endpoint: `http://${"x".repeat(64)}.invalid` };
    expectFirst(kind, await own.run(unknown), "dns", /ENOTFOUND/);
    const rude = await serveTcp((socket) => socket.on("data", () => socket.resetAndDestroy()));
    servers.push(rude);
    expectFirst(kind, await own.run({ endpoint: at(rude) }), "reset", /closed the connection/);
    const secure = await serveHttp((_, response) => response.end("{}"), await makeCertificate(["127.0.0.1"]));
    servers.push(secure);
    const tls = { endpoint: `https://127.0.0.1:${secure.port}` };
    expectFirst(kind, await own.run(tls), "tls", /certificate/);
    await expectNothingLeft(kind, own);
  });

  it("says of an address that nobody answers at that it cannot be reached", () => {
    const post = {
      kind: "failed",
      fault: "unreachable",
      what: "no connection within 5 s",
      tookMs: 1,
    } as const;
    const { verdict, cause, fix } = diagnosesOf(kind).unreachable ?? {};
    const backend = kind === "loki" ? null : traceBackends[kind];
    const evidence = { post, readBack: { kind: "none" }, lags: [], earlier: null, undeleted: 0 } as const;
    const findings =
      backend?.reading === null
        ? diagnoseSend(post, backend.diagnoses)
        : diagnoseBackend(evidence, backend?.diagnoses ?? lokiDiagnoses);
    expect(findings).toEqual([{ id: "unreachable", verdict, cause, fix, seen: post.what }]);
    proven.get(kind)?.add("unreachable");
  });

  it("is unknown where a secret holds what no header can", async () => {
    const own = await rig(kind);
    const result = await own.run({ secret: "hunter\u00002" });
    expectFirst(kind, result, "no-keys", /header/);
    expect(JSON.stringify(result)).not.toContain("hunter");
    await expectNothingLeft(kind, own);
  });

  it("finds a wrong key by the backend's own answer", async () => {
    const own = await rig(kind);
    expectFirst(kind, await own.run({ secret: "lsv2_of_another" }), "forbidden", /403/);
    await expectNothingLeft(kind, own);
  });

  it("says of a clock that is off that it is", async () => {
    const own = await rig(kind, { clockAheadMs: 42_000 });
    expectFirst(kind, await own.run(), "clock-skew", /4[23]s ahead/);
  });

  it("shows no key where an error page repeats the request", async () => {
    const own = await rig(kind);
    own.stage.setFault("echoes");
    const result = await own.run({ secret: `Bearer ${secretValue}` });
    expect(result.findings[0]?.id).toBe("server-error");
    expect(JSON.stringify(result)).not.toContain(secretValue);
  });
});

describe.each(["langsmith", "tempo", "jaeger", "otlp"] as const)("a trace to %s", (kind) => {
  it.each(["protobuf", "json"] as const)("of which a part is rejected is not well (%s)", async (encoding) => {
    const own = await rig(kind);
    own.stage.setFault("rejects-part");
    const result = await own.run({ encoding });
    const { verdict, cause, fix } = diagnosesOf(kind)["partly-rejected"] ?? {};
    const seen = "2 rejected attribute too long";
    expect(result.findings).toContainEqual({ id: "partly-rejected", verdict, cause, fix, seen });
    proven.get(kind)?.add("partly-rejected");
  });

  it("is the same in JSON", async () => {
    const own = await rig(kind);
    expect((await own.run({ encoding: "json" })).findings).toEqual([]);
  });
});

describe.each(telling)("what comes back from %s", (kind) => {
  it.each<{ fault: BackendFault; id: BackendDiagnosis; seen: RegExp; runsBefore?: number }>([
    { fault: "loses-all", id: "not-yet-visible", seen: /not in 2m/ },
    { fault: "loses-all", id: "never-visible", seen: /usually under/, runsBefore: 6 },
    { fault: "masks", id: "altered", seen: /altered/ },
    { fault: "reads-unauthorized", id: "read-unauthorized", seen: /401/ },
    { fault: "reads-web-page", id: "read-wrong-path", seen: /200 HTML/ },
    { fault: "reads-limited", id: "read-limited", seen: /429/ },
    { fault: "reads-broken", id: "read-failed", seen: /500/ },
    { fault: "reads-strangely", id: "read-refused", seen: /200 .*42/ },
  ])("$fault is $id", async ({ fault, id, seen, runsBefore = 0 }) => {
    const own = await rig(kind);
    await own.warmUp(runsBefore);
    own.stage.setFault(fault);
    const result = await own.run();
    expectFirst(kind, result, id, seen);
    own.clock.pass(24 * 3_600_000);
    await expectNothingLeft(kind, own);
  });

  it("is unreachable where nothing listens at the address to read from", async () => {
    const own = await rig(kind);
    const closed = await serveTcp(() => undefined);
    await closed.stop();
    expectFirst(kind, await own.run({ query: at(closed) }), "read-unreachable", /ECONNREFUSED/);
    await expectNothingLeft(kind, own);
  });

  it("is slow where it takes much longer than usual", async () => {
    const own = await rig(kind);
    await own.warmUp(6);
    own.stage.setLag(15_000);
    expectFirst(kind, await own.run(), "slow", /usually under/);
  });

  it("was slow where the next run finds it, and never came where that does not", async () => {
    const own = await rig(kind, { lagMs: 180_000 });
    const first = await own.run();
    expect(first.leftovers).toHaveLength(1);
    expectFirst(kind, await own.run(), "slow", /the one before took up to/);
    const other = await rig(kind);
    other.stage.setFault("loses-all");
    await other.run();
    other.clock.pass(6 * 60_000);
    expectFirst(kind, await other.run(), "never-visible", /an earlier one not in 1\dm/);
  });

  it("is seen by a tenth of the lag and a poll later, whatever the lag", async () => {
    for (const lagMs of [300, 2_000, 9_000, 40_000]) {
      const own = await rig(kind, { lagMs });
      const { value } = await own.run();
      const longest = { langsmith: 2_000, tempo: 250, jaeger: 250, loki: 500 }[kind];
      expect((value ?? Number.NaN) * 1_000).toBeLessThanOrEqual(lagMs * 1.1 + longest + 60);
    }
  });
});

describe.each(["langsmith", "tempo", "jaeger"] as const)("a trace in %s", (kind) => {
  it("without its children is incomplete", async () => {
    const own = await rig(kind);
    own.stage.setFault("loses-part");
    expectFirst(kind, await own.run(), "incomplete", /retrieval, tool, generation/);
    await expectNothingLeft(kind, own);
  });

  it("with a masked and a lost field is told by the fields' names", async () => {
    const own = await rig(kind);
    own.stage.setFault("masks");
    expect((await own.run()).findings[0]?.seen).toMatch(
      /agent\.(metadata\.)?tenant_id altered, agent\..*sonde_code lost/,
    );
  });
});

it.each(telling)("what a run sent to %s that crashed is found by the next one", async (kind) => {
  const own = await rig(kind);
  await expect(own.run({ crash: true })).rejects.toThrow("crashed");
  if (kind !== "loki") expect(own.stage.kept()).toHaveLength(1);
  await expectNothingLeft(kind, own);
});

describe("LangSmith", () => {
  it("is asked to delete each trace once it is seen, and told of where it refuses", async () => {
    const own = await rig("langsmith");
    own.stage.setFault("refuses-deletion");
    const result = await own.run();
    expectFirst("langsmith", result, "not-deleted", /^1$/);
    expect(result.leftovers).toEqual(own.stage.kept());
    await expectNothingLeft("langsmith", own);
  });

  it("is polled no more often than every two seconds", async () => {
    const own = await rig("langsmith", { lagMs: 60_000 });
    await own.run();
    const queries = own.stage.calls().filter(({ path }) => path === "/api/v1/runs/query");
    expect(queries.length).toBeLessThanOrEqual(30);
  });
});

describe("Tempo and Loki with multi-tenancy", () => {
  it.each(["tempo", "loki"] as const)("want the tenant of %s", async (kind) => {
    const own = await rig(kind, { orgId: "team-a" });
    expectFirst(kind, await own.run(), "unauthorized", /401 no org id/);
    expect((await own.run({ orgId: "team-a" })).findings).toEqual([]);
  });
});

describe("Jaeger", () => {
  it("answers with its UI's page where the base path is wrong", async () => {
    const own = await rig("jaeger");
    const result = await own.run({ query: `${own.stage.url}/jaeger` });
    expectFirst("jaeger", result, "read-wrong-path", /200 HTML/);
  });
});

describe("a line for Loki", () => {
  const stdout = { via: "stdout", selector: '{namespace="sonde"}' } as const;

  it.each<[string, (line: string) => string]>([
    ["as it is", (line) => line],
    ["wrapped as Fluent Bit does", (line) => JSON.stringify({ stream: "stdout", log: line })],
    ["behind the prefix of a container's log", (line) => `2026-11-25T03:00:00Z stdout F ${line}`],
  ])("on stdout is found by its trace id %s", async (_, ship) => {
    const own = await rig("loki");
    const result = await own.run({ ...stdout, ship });
    expect(result.findings).toEqual([]);
    expect(result.request).toBe(`stdout, read by ${own.stage.url}/loki/api/v1/query_range`);
    expect(JSON.parse(own.lines[0] ?? "")).toMatchObject({ sonde_run: "run-1", tenant_id: "sonde" });
  });

  it("on stdout that no agent ships is not visible", async () => {
    const own = await rig("loki");
    expectFirst("loki", await own.run(stdout), "not-yet-visible", /not in 2m/);
  });

  it("on stdout that an agent cuts is altered", async () => {
    const own = await rig("loki");
    const ship = (line: string) => JSON.stringify({ ...JSON.parse(line), tenant_id: undefined });
    expectFirst("loki", await own.run({ ...stdout, ship }), "altered", /^line.tenant_id lost$/);
  });

  it("keeps its ids out of the labels", async () => {
    const own = await rig("loki");
    own.stage.setFault("masks");
    expectFirst("loki", await own.run(), "altered", /line.text altered, line.span_id lost/);
  });
});

/** Loki answers a push as a whole and takes whole lines: it neither rejects a part nor deletes by request. */
const cannotHappen: Readonly<Record<Kind, readonly string[]>> = {
  langsmith: [],
  tempo: ["not-deleted"],
  jaeger: ["not-deleted"],
  otlp: [],
  loki: ["partly-rejected", "incomplete", "not-deleted"],
};

it.each(kinds)("every diagnosis of %s that can come up was shown above", (kind) => {
  const shown = [...(proven.get(kind) ?? []), ...cannotHappen[kind]];
  expect(shown.sort()).toEqual(Object.keys(diagnosesOf(kind)).sort());
});

function at({ port }: Loopback): string {
  return `http://127.0.0.1:${port}`;
}
