import { afterEach, describe, expect, it } from "vitest";

import type { LangfuseFault } from "../../cli/stage/langfuse/faults.ts";
import { describeFindings } from "../../shared/domain/transactions/finding.ts";
import {
  type LangfuseDiagnosis,
  langfuseDiagnoses,
} from "../../shared/domain/transactions/langfuse-diagnoses.ts";
import type { TransactionResult } from "../../shared/domain/transactions/transaction.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type Loopback, serveHttp, serveTcp } from "../support/loopback.ts";
import { keys, type ProbeRig, type RunChange, startRig } from "../support/trace-probe.ts";

const rigs: ProbeRig[] = [];
const servers: Loopback[] = [];
const proven = new Set<string>();
afterEach(async () => {
  await Promise.all([
    ...rigs.splice(0).map(({ stage }) => stage.stop()),
    ...servers.splice(0).map(({ stop }) => stop()),
  ]);
});

async function rig(options: Parameters<typeof startRig>[0] = {}): Promise<ProbeRig> {
  const started = await startRig(options);
  rigs.push(started);
  return started;
}

/** The finding that was expected, word for word by the record, and first among all. */
function expectFirst(result: TransactionResult, id: LangfuseDiagnosis, seen: RegExp): void {
  const { verdict, cause, fix } = langfuseDiagnoses[id];
  expect(result.findings.map((one) => one.id)).toContain(id);
  expect(result.findings[0]).toMatchObject({ id, verdict, cause, fix });
  expect(result.findings[0]?.seen).toMatch(seen);
  expect(describeFindings(result.findings)).toContain(cause);
  proven.add(id);
}

/** After a run that is well, nothing is left of the ones before it. */
async function expectNothingLeft({ stage, run, clock }: ProbeRig): Promise<void> {
  stage.setFault(null);
  clock.pass(10 * 60_000);
  const after = await run();
  expect(after.findings).toEqual([]);
  expect(after.leftovers).toEqual([]);
  expect(stage.kept()).toEqual([]);
}

const hang = { postTimeoutMs: 200, timeoutMs: 200 };

describe("each way in which Langfuse breaks has its own verdict, cause and fix", () => {
  it.each<{
    fault: LangfuseFault;
    id: LangfuseDiagnosis;
    seen: RegExp;
    change?: Partial<RunChange>;
    mode?: "legacy";
    runsBefore?: number;
  }>([
    { fault: "web-redis", id: "web-redis", seen: /no answer in .*health 200/, change: hang },
    { fault: "proxy-drops-authorization", id: "no-authorization", seen: /401 No authorization header/ },
    {
      fault: "proxy-mangles-authorization",
      id: "bad-authorization",
      seen: /401 Invalid authorization header/,
    },
    { fault: "proxy-wrong-bearer", id: "invalid-public-key", seen: /401 Invalid public key/ },
    { fault: "proxy-sends-bearer", id: "bearer-refused", seen: /403 Access denied/ },
    { fault: "proxy-forbids", id: "forbidden", seen: /403 HTML/ },
    { fault: "proxy-other-service", id: "wrong-path", seen: /404 HTML/ },
    { fault: "proxy-cuts-path", id: "path-cut", seen: /405/ },
    { fault: "proxy-trailing-slash", id: "trailing-slash", seen: /308 HTML to .*traces\/$/ },
    { fault: "proxy-to-https", id: "redirected", seen: /308 HTML to https:/ },
    { fault: "s3-refused", id: "s3-upload", seen: /500 .*Failed to upload JSON to S3/ },
    { fault: "s3-unresolvable", id: "s3-unresolvable", seen: /503/ },
    { fault: "postgres-down", id: "postgres-down", seen: /503/ },
    { fault: "proxy-no-backend", id: "no-backend", seen: /503 HTML/ },
    { fault: "proxy-bad-gateway", id: "bad-gateway", seen: /502 HTML/ },
    { fault: "web-broken", id: "server-error", seen: /500/ },
    { fault: "proxy-drops-content-type", id: "bad-content-type", seen: /400 Invalid content type/ },
    { fault: "proxy-truncates-gzip", id: "bad-gzip", seen: /400 Failed to decompress/ },
    { fault: "proxy-drops-encoding", id: "bad-protobuf", seen: /400 .*Protobuf/ },
    { fault: "proxy-drops-encoding", id: "bad-json", seen: /400 .*JSON/, change: { encoding: "json" } },
    { fault: "proxy-sets-version", id: "bad-version", seen: /400 .*ingestion-version/ },
    {
      fault: "proxy-shortens-ids",
      id: "bad-export",
      seen: /400 Invalid OTel trace export/,
      change: { encoding: "json" },
    },
    { fault: "web-refuses", id: "bad-request", seen: /400 no thanks/ },
    { fault: "proxy-too-small", id: "too-large", seen: /413 HTML/ },
    { fault: "ingestion-limited", id: "ingestion-limited", seen: /429/ },
    { fault: "proxy-single-page", id: "html-answer", seen: /200 HTML/ },
    { fault: "proxy-teapot", id: "unexpected-status", seen: /418/ },
    { fault: "worker-stopped", id: "never-visible", seen: /not in .*usually under/, runsBefore: 6 },
    { fault: "worker-stopped", id: "not-yet-visible", seen: /not in 2m/ },
    { fault: "observations-lost", id: "spans-lost", seen: /agent, retrieval/, mode: "legacy" },
    { fault: "masks-input", id: "altered", seen: /agent.input altered/ },
    { fault: "loses-metadata", id: "altered", seen: /agent.metadata.tenant_id lost/ },
    { fault: "loses-metadata", id: "altered", seen: /trace.metadata.tenant_id lost/, mode: "legacy" },
    { fault: "loses-usage", id: "usage-lost", seen: /generation.usage.input lost/ },
    { fault: "loses-usage", id: "usage-lost", seen: /generation.usage.input lost/, mode: "legacy" },
    { fault: "renames-environment", id: "environment-lost", seen: /^$/ },
    { fault: "skips-price", id: "no-price", seen: /^$/ },
    { fault: "skips-price", id: "no-price", seen: /^$/, mode: "legacy" },
    { fault: "reads-limited", id: "read-limited", seen: /429/ },
    { fault: "clickhouse-down", id: "read-failed", seen: /500 .*ClickHouse/ },
    { fault: "proxy-single-page-reads", id: "read-html", seen: /200/ },
    { fault: "no-read-path", id: "read-refused", seen: /404/ },
  ])("$fault is $id", async ({ fault, id, seen, change = {}, mode, runsBefore = 0 }) => {
    const own = await rig(mode ? { mode } : {});
    await own.warmUp(runsBefore);
    own.stage.setFault(fault);
    expectFirst(await own.run(change), id, seen);
    await expectNothingLeft(own);
  });

  it("says of a closed port that nothing listens", async () => {
    const own = await rig();
    const closed = await serveTcp(() => undefined);
    await closed.stop();
    expectFirst(await own.run({ url: `http://127.0.0.1:${closed.port}` }), "refused", /ECONNREFUSED/);
    await expectNothingLeft(own);
  });

  it("says of a name that nobody knows that it does not resolve", async () => {
    const own = await rig();
    // Over 63 characters in a label: the resolver refuses it without asking anybody.
    expectFirst(await own.run({ url: `http://${"x".repeat(64)}.invalid` }), "dns", /ENOTFOUND/);
    await expectNothingLeft(own);
  });

  it("says of a server that answers nothing at all that it hangs", async () => {
    const own = await rig();
    const silent = await serveTcp(() => undefined);
    servers.push(silent);
    expectFirst(
      await own.run({ url: `http://127.0.0.1:${silent.port}`, ...hang }),
      "timeout",
      /no whole answer/,
    );
    await expectNothingLeft(own);
  });

  it("says of a server that hangs up that it does", async () => {
    const own = await rig();
    const rude = await serveTcp((socket) => socket.on("data", () => socket.resetAndDestroy()));
    servers.push(rude);
    expectFirst(await own.run({ url: `http://127.0.0.1:${rude.port}` }), "reset", /closed the connection/);
    await expectNothingLeft(own);
  });

  it("says of a certificate that nobody knows that TLS fails", async () => {
    const own = await rig();
    const { key, cert } = await makeCertificate(["127.0.0.1"]);
    const secure = await serveHttp((_, response) => response.end("{}"), { key, cert });
    servers.push(secure);
    expectFirst(await own.run({ url: `https://127.0.0.1:${secure.port}` }), "tls", /certificate/);
    await expectNothingLeft(own);
  });

  it("says of a base path that differs that Langfuse is not there", async () => {
    const own = await rig({ basePath: "/langfuse" });
    const origin = new URL(own.stage.url).origin;
    expectFirst(await own.run({ url: origin }), "base-path", /404 HTML/);
    expectFirst(await own.run({ url: `${origin}/observe` }), "base-path", /404 HTML/);
    await expectNothingLeft(own);
  });

  it("says of keys that nobody knows that they are unknown", async () => {
    const own = await rig();
    const result = await own.run({ secret: `${keys.publicKey}:sk-lf-of-another-host` });
    expectFirst(result, "unknown-key", /401 Invalid credentials/);
    own.clock.pass(60_000);
    await expectNothingLeft(own);
  });

  it("says of a public key that is not this Langfuse's that the trace was accepted all the same", async () => {
    const own = await rig();
    const result = await own.run({ secret: `pk-lf-mistyped:${keys.secretKey}` });
    expectFirst(result, "wrong-public-key", /^$/);
    expect(result.value).not.toBeNull();
    await expectNothingLeft(own);
  });

  it("says of another project's keys that the trace is in that project", async () => {
    const own = await rig();
    expectFirst(await own.run({ project: "billing" }), "wrong-project", /it is in agents/);
    expect((await own.run({ project: "agents" })).findings).toEqual([]);
    expect((await own.run({ project: "p-stage" })).findings).toEqual([]);
    await expectNothingLeft(own);
  });

  it("says of a NEXTAUTH_URL of another address what it names", async () => {
    const own = await rig({ nextauthUrl: "http://localhost:3000/api/auth" });
    const result = await own.run();
    expectFirst(result, "nextauth-url", /it names http:\/\/localhost:3000$/);
    // The address that people use may be another one than Sonde's.
    expect((await own.run({ publicUrl: "http://localhost:3000" })).findings).toEqual([]);
    expect(own.stage.kept()).toEqual([]);
  });

  it.each([
    { ahead: 42_000, seen: /4[23]s ahead/ },
    { ahead: -90_000, seen: /1m(29|30)s behind/ },
  ])("says of a clock that is off by $ahead ms that it is", async ({ ahead, seen }) => {
    const own = await rig({ clockAheadMs: ahead });
    expectFirst(await own.run(), "clock-skew", seen);
    expect(own.stage.kept()).toEqual([]);
  });

  it("says of deletions that are not carried out that the traces are still there", async () => {
    const own = await rig();
    own.stage.setFault("delete-stuck");
    const first = await own.run();
    expect(first.findings).toEqual([]);
    expect(first.leftovers).toHaveLength(1);
    expectFirst(await own.run(), "not-deleted", /1 trace$/);
    await expectNothingLeft(own);
  });

  it("does not send a trace on a day on which it could not delete it again", async () => {
    const own = await rig({ plan: "hobby" });
    for (let deleted = 0; deleted < 40; deleted++) {
      await own.run({ plan: "hobby" });
    }
    expect(own.stage.calls().filter(({ method }) => method === "DELETE")).toHaveLength(40);
    const sent = own.stage.uploads();
    expectFirst(await own.run({ plan: "hobby" }), "deletes-spent", /^$/);
    expect(own.stage.uploads()).toBe(sent);
    own.clock.pass(24 * 3_600_000);
    expect((await own.run({ plan: "hobby" })).findings).toEqual([]);
    expect(own.stage.kept()).toEqual([]);
  });

  it("says of a secret that holds no key pair that the keys are not at hand, and shows nothing of it", async () => {
    const own = await rig();
    const result = await own.run({ secret: "hunter2" });
    expectFirst(result, "no-keys", /sonde\/langfuse/);
    expect(JSON.stringify(result)).not.toContain("hunter2");
    await expectNothingLeft(own);
  });

  it("says of ingestion that takes much longer than usual that it is slow", async () => {
    const own = await rig();
    await own.warmUp(6);
    own.stage.setLag(14_000);
    const result = await own.run();
    expectFirst(result, "slow", /14s|15s/);
    own.stage.setLag(1_300);
    await expectNothingLeft(own);
  });

  it("says that a host cannot be reached where nobody answers the connection", async () => {
    const { diagnoseLangfuse } = await import("../../shared/domain/transactions/diagnose-langfuse.ts");
    const own = await rig();
    const evidence = {
      url: own.stage.url,
      publicUrl: own.stage.url,
      post: { kind: "failed", fault: "unreachable", what: "no connection within 5 s", tookMs: 5_000 },
      health: null,
      database: null,
      ready: null,
      providers: null,
      publicKey: null,
      expectedProject: "",
      project: null,
      readBack: { kind: "none" },
      lags: [],
      earlier: null,
      undeleted: 0,
      heldForMs: 0,
    } as const;
    const { verdict, cause, fix } = langfuseDiagnoses.unreachable;
    expect(diagnoseLangfuse(evidence)).toEqual([
      { id: "unreachable", verdict, cause, fix, seen: "no connection within 5 s" },
    ]);
    proven.add("unreachable");
  });
});

describe("keys that were unknown", () => {
  const wrong = { secret: "pk-lf-new:sk-lf-new" };
  const created = { publicKey: "pk-lf-new", secretKey: "sk-lf-new", project: keys.project };

  it("are left alone until Langfuse has forgotten them, and work then", async () => {
    const own = await rig();
    expectFirst(await own.run(wrong), "unknown-key", /401/);
    own.stage.addKey(created);
    const asked = own.stage.calls().length;
    // Five minutes on: another try now would keep them unknown.
    own.clock.pass(-2 * 60_000);
    expectFirst(await own.run(wrong), "key-held", /next try in 2m30s/);
    expect(own.stage.calls()).toHaveLength(asked);
    expect((await own.run(wrong)).findings).toEqual([]);
    expect(own.stage.kept()).toEqual([]);
  });

  it("stay unknown to whoever tries each minute", async () => {
    const own = await rig();
    const post = () =>
      fetch(`${own.stage.url}/api/public/otel/v1/traces`, {
        method: "POST",
        headers: {
          authorization: `Basic ${btoa("pk-lf-new:sk-lf-new")}`,
          "content-type": "application/json",
        },
        body: "{}",
      });
    expect((await post()).status).toBe(401);
    own.stage.addKey(created);
    for (let minutes = 0; minutes < 20; minutes++) {
      own.clock.pass(60_000);
      expect((await post()).status).toBe(401);
    }
    own.clock.pass(301_000);
    expect((await post()).status).toBe(200);
  });
});

describe("slow or never", () => {
  it("is decided by the next run, where there is no history", async () => {
    const own = await rig();
    own.stage.setFault("worker-stopped");
    expect((await own.run()).findings[0]?.id).toBe("not-yet-visible");
    own.clock.pass(6 * 60_000);
    expectFirst(await own.run(), "never-visible", /an earlier one not in 1\dm/);
    await expectNothingLeft(own);
  });

  it("is slow where the earlier trace has come since", async () => {
    const own = await rig({ lagMs: 180_000 });
    expect((await own.run()).findings[0]?.id).toBe("not-yet-visible");
    expectFirst(await own.run(), "slow", /not in 2m; the one before took up to/);
    own.stage.setLag(1_300);
    await expectNothingLeft(own);
  });
});

it("every diagnosis of the record was shown above", () => {
  expect([...proven].sort()).toEqual(Object.keys(langfuseDiagnoses).sort());
});
