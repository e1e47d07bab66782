import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";

import { buildSend } from "../../shared/adapters/http.ts";
import { remoteWriteUrl } from "../../shared/adapters/prometheus-request.ts";
import { buildRemoteWrite } from "../../shared/adapters/remote-write.ts";
import { runCli } from "../support/cli.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";

const minute = 60_000;
const now = Math.floor(Date.now() / minute) * minute;
let prometheus: RealPrometheus;
let page: Loopback;
let folder: string;

beforeAll(async () => {
  prometheus = await startPrometheus();
  page = await serveHttp((_, response) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Sign in</title>");
  });
  folder = await mkdtemp(join(tmpdir(), "sonde-cli-"));
  const write = buildRemoteWrite({
    url: remoteWriteUrl(prometheus.url, false),
    send: buildSend({ auth: { kind: "none" }, now: Date.now }),
    now: Date.now,
  });
  const times = Array.from({ length: 41 }, (_, index) => now - (40 - index) * 15_000);
  await write([
    { labels: { __name__: "gpu_temp", gpu: "0" }, samples: times.map((t) => ({ t, v: 60 })) },
    { labels: { __name__: "gpu_temp", gpu: "5" }, samples: times.map((t) => ({ t, v: 91.5 })) },
    { labels: { __name__: "requests_total" }, samples: times.map((t) => ({ t, v: 7 })) },
    { labels: { __name__: "stale_temp" }, samples: [{ t: now - 4 * minute, v: 60 }] },
  ]);
});
afterAll(async () => {
  await prometheus.stop();
  await page.stop();
  await rm(folder, { recursive: true, force: true });
});

const healthy = { id: "gpu-low", query: "gpu_temp", fail: "< 10" };
const hot = {
  id: "gpu-hot",
  query: "gpu_temp",
  unit: "celsius",
  warn: { when: "> 80", for: "1m" },
  fail: "> 85",
  for: "5m",
};

async function probe(probes: readonly object[], more: object = {}, args: readonly string[] = []) {
  const file = join(folder, "sonde.yaml");
  await writeFile(
    file,
    stringify({ targets: [{ name: "local", prometheus: prometheus.url }], probes, ...more }),
  );
  return runCli(["probe", "--config", file, ...args], { now: () => now });
}

describe("sonde probe --json", () => {
  it("prints what the contract says, one object a line, a summary last", async () => {
    const { code, out } = await probe([hot], {}, ["--json"]);
    const lines = out.map((line) => JSON.parse(line));
    expect(lines).toEqual([
      expect.objectContaining({ labels: { gpu: "0" }, status: "ok", value: 60 }),
      {
        probe: "gpu-hot",
        target: "local",
        status: "fail",
        value: 91.5,
        unit: "celsius",
        threshold: "> 85",
        since: new Date(now - 5 * minute).toISOString(),
        labels: { gpu: "5" },
        reason: "> 85 °C for at least 5m",
        query: "gpu_temp",
      },
      { summary: { ok: 1, warn: 0, fail: 1, unknown: 0, queries: 2, durationMs: expect.any(Number) } },
    ]);
    expect(code).toBe(1);
  });

  it("exits with 0 where all is well, and 3 where something is unknown", async () => {
    expect((await probe([healthy])).code).toBe(0);
    expect((await probe([healthy, { id: "none", query: "no_such_metric", fail: "> 1" }])).code).toBe(3);
  });

  it("looks at any time in the past", async () => {
    const { out } = await probe([hot], {}, ["--json", "--at", new Date(now - 7 * minute).toISOString()]);
    expect(JSON.parse(out[1] ?? "")).toMatchObject({ status: "warn", labels: { gpu: "5" } });
  });

  it("writes numbers that JSON cannot hold as Prometheus does", async () => {
    const { out } = await probe([{ id: "inf", query: "requests_total / 0", fail: "> 1" }], {}, ["--json"]);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({ status: "fail", value: "+Inf" });
  });
});

describe("bad input ends in one clear line, the right exit code, and all other probes run", () => {
  it.each<[string, object, RegExp, number]>([
    [
      "a typo in a probe",
      { id: "a", query: "up", fial: "> 1" },
      /sonde\.yaml:\d+: probes\[1\]\.fial: unknown key; did you mean "fail"\?$/,
      2,
    ],
    [
      "PromQL that does not parse",
      { id: "a", query: "sum(up", fail: "> 1" },
      /sonde\.yaml:\d+: probes\[1\]\.query: PromQL does not parse at character 7/,
      2,
    ],
    [
      "a threshold that is none",
      { id: "a", query: "up", fail: "hot" },
      /probes\[1\]\.fail: write an operator and a number, such as "> 85"$/,
      2,
    ],
    [
      "a probe without a query",
      { id: "a", fail: "> 1" },
      /probes\[1\]\.query: is missing, and no pack in use has a probe "a"$/,
      2,
    ],
    [
      "a template that does not parse",
      { id: "a", query: "up", fail: "> 1", summary: "{{ $labels.x" },
      /probes\[1\]\.summary: template: /,
      2,
    ],
  ])("%s", async (_, broken, line, code) => {
    const run = await probe([healthy, broken]);
    expect(run.err).toEqual([expect.stringMatching(line)]);
    expect(run.out.join("\n")).toContain("gpu-low");
    expect(run.code).toBe(code);
  });

  it("faults are told by their place in the file, whatever else was left out", async () => {
    const typo = { id: "a", query: "up", fial: "> 1" };
    const { err } = await probe([typo, healthy, { id: "b", query: "sum(up", fail: "> 1" }]);
    expect(err.map((line) => line.replace(/^.*?:/, "").slice(0, 24))).toEqual([
      expect.stringMatching(/^\d+: probes\[0\]\.fial/),
      expect.stringMatching(/^\d+: probes\[2\]\.query/),
    ]);
    const lines = err.map((line) => Number(/:(\d+):/.exec(line)?.[1]));
    expect(lines[1]).toBeGreaterThan(lines[0] ?? 0);
  });

  it.each(["2026-11-20T03:00:00", "2026-11-20", "5", "yesterday"])(
    "a time that says no moment: --at %s",
    async (at) => {
      const { err, code } = await probe([healthy], {}, ["--at", at]);
      expect(err).toEqual([`--at: "${at}" is not a time such as 2026-11-20T03:00:00Z`]);
      expect(code).toBe(2);
    },
  );

  it("YAML whose aliases do not end", async () => {
    const file = join(folder, "aliases.yaml");
    const row = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(of).join(", ")}]`;
    await writeFile(file, [row("a", "x"), row("b", "*a"), row("c", "*b"), row("d", "*c")].join("\n"));
    const { err, code } = await runCli(["probe", "--config", file]);
    expect(err).toEqual([expect.stringMatching(/aliases\.yaml: not YAML: Excessive alias count/)]);
    expect(code).toBe(2);
  });

  it("a reader that has seen enough", () => {
    const run = spawnSync("sh", ["-c", "node cli/sonde.mjs --help | true"], {
      encoding: "utf8",
    });
    expect(run.stderr).toBe("");
  });

  it.each<[string, object, RegExp]>([
    [
      "a probe that matches nothing",
      { id: "a", query: "no_such_metric", fail: "> 1" },
      /no sample of no_such_metric in sight/,
    ],
    [
      "data that has gone stale",
      { id: "a", query: "stale_temp", fail: "> 1" },
      /the newest sample of stale_temp is 4m old/,
    ],
    ["a query that the server refuses", { id: "a", query: "gpu_temp * on() gpu_temp", fail: "> 1" }, /422/],
    [
      "a ratio without traffic",
      { id: "a", query: "rate(requests_total[1m]) / rate(requests_total[1m])", fail: "> 1" },
      /idle: no traffic/,
    ],
  ])("%s", async (_, odd, reason) => {
    const { out, code } = await probe([healthy, odd], {}, ["--json"]);
    const verdicts = out.slice(0, -1).map((line) => JSON.parse(line));
    expect(verdicts.filter(({ probe: id }) => id === "gpu-low").map(({ status }) => status)).toEqual([
      "ok",
      "ok",
    ]);
    expect(verdicts.filter(({ probe: id }) => id === "a")).toMatchObject([
      { status: "unknown", reason: expect.stringMatching(reason) },
    ]);
    expect(code).toBe(3);
  });

  it.each<[string, string, RegExp]>([
    [
      "a pattern that matches no rule file",
      "rules/*.yml",
      /rules\[0\]: no file beside sonde\.yaml matches "rules\/\*\.yml"$/,
    ],
    ["a rule file that is not YAML", "broken.yml", /rules\[0\]: .*broken\.yml:1: not YAML/],
  ])("%s", async (_, rules, line) => {
    await writeFile(join(folder, "broken.yml"), "groups: [");
    const { err, out, code } = await probe([healthy], { rules: [rules] });
    expect(err).toEqual([expect.stringMatching(line)]);
    expect(out.join("\n")).toContain("gpu-low");
    expect(code).toBe(2);
  });

  it("says what noData needs where the guard itself is silent", async () => {
    const { out } = await probe([{ id: "a", query: "no_such_metric", fail: "> 1", noData: "ok" }], {}, [
      "--json",
    ]);
    expect(JSON.parse(out[0] ?? "").reason).toContain("noData needs a guard that is always there");
  });

  it.each<[string, () => string, RegExp]>([
    ["an unreachable target", () => "http://127.0.0.1:1", /connection refused.*check/i],
    ["a target that answers HTML", () => `http://127.0.0.1:${page.port}`, /HTML/],
    ["TLS spoken to a plain server", () => prometheus.url.replace("http:", "https:"), /https/],
  ])("%s", async (_, url, reason) => {
    const targets = [
      { name: "bad", prometheus: url() },
      { name: "local", prometheus: prometheus.url },
    ];
    const { out, code } = await probe([healthy], { targets }, ["--json"]);
    const verdicts = out.slice(0, -1).map((line) => JSON.parse(line));
    expect(verdicts.filter(({ target }) => target === "bad")).toMatchObject([
      { status: "unknown", reason: expect.stringMatching(reason) },
    ]);
    expect(verdicts.filter(({ target }) => target === "local").length).toBe(2);
    expect(code).toBe(3);
  });

  it.each<[string, object, RegExp, number]>([
    [
      "a secret that is not at hand",
      { auth: { bearer: { tokenSecret: "sonde/token" } } },
      /the secret .{1,2}sonde\/token.{1,2} is not at hand: set the environment variable SONDE_TOKEN/,
      3,
    ],
    [
      "a certificate that is none",
      { ca: "sonde.yaml" },
      /targets\[0\]\.ca: sonde\.yaml holds no certificate/,
      2,
    ],
    [
      "an address with more than an address",
      { prometheus: "http://127.0.0.1:1/graph?g0.expr=up" },
      /targets\[0\]\.prometheus: holds more than an address: leave out the \?/,
      2,
    ],
  ])("%s", async (_, fault, line, code) => {
    const good = { name: "local", prometheus: prometheus.url };
    const run = await probe([healthy], { targets: [{ ...good, name: "bad", ...fault }, good] }, ["--json"]);
    expect([...run.err, ...run.out].join("\n")).toMatch(line);
    const verdicts = run.out.map((one) => JSON.parse(one)).filter(({ target }) => target === "local");
    expect(verdicts.map(({ status }) => status)).toEqual(["ok", "ok"]);
    expect(run.code).toBe(code);
  });

  it.each<[string, readonly string[], string]>([
    [
      "a config that is not there",
      ["probe", "--config", "/nonexistent/sonde.yaml"],
      "does not exist: write one by `sonde init --target URL`",
    ],
    ["an unknown option", ["probe", "--jsno"], "unknown option '--jsno'"],
    ["an unknown command", ["prob"], "unknown command 'prob'"],
  ])("%s", async (_, args, expected) => {
    const { code, err } = await runCli(args);
    expect(err.join("\n")).toContain(expected);
    expect(code).toBe(2);
  });

  it("names the nearest target and probe where there is none of the name", async () => {
    expect((await probe([healthy], {}, ["--target", "locla"])).err).toEqual([
      'no target "locla": did you mean "local"?',
    ]);
    expect((await probe([healthy], {}, ["--probe", "gpu-lo"])).err).toEqual([
      'no probe "gpu-lo": did you mean "gpu-low"?',
    ]);
  });
});

describe("sonde watch", () => {
  it("runs rounds, tells each incident once, and ends when it is interrupted", async () => {
    const file = join(folder, "watch.yaml");
    const config = {
      targets: [{ name: "local", prometheus: prometheus.url }],
      probes: [{ id: "gpu-hot", query: "gpu_temp", unit: "celsius", fail: "> 85" }],
      notify: [{ slack: "#ops" }],
    };
    await writeFile(file, stringify(config));
    const interrupt = new AbortController();
    let rounds = 0;
    const { code, out } = await runCli(["watch", "--config", file, "--state", join(folder, "state")], {
      now: () => now - (1 - rounds) * minute,
      interrupted: interrupt.signal,
      sleep: async (ms) => {
        if (ms === 0) return;
        rounds++;
        if (rounds === 2) interrupt.abort();
      },
    });
    expect(out.filter((line) => line.startsWith("#ops: 🔴 Critical"))).toHaveLength(1);
    expect(out.filter((line) => line.includes("1 fail, 0 warn, 0 unknown, 1 ok"))).toHaveLength(2);
    expect(code).toBe(0);
  });
});
