import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findPrometheus } from "../cli/stage/find-prometheus.ts";
import { startPrometheus } from "../cli/stage/prometheus.ts";
import { buildSend } from "../shared/adapters/http.ts";
import { buildPrometheusClient } from "../shared/adapters/prometheus.ts";
import { buildRemoteWrite } from "../shared/adapters/remote-write.ts";
import { replaceAliases } from "../shared/domain/aliases.ts";
import { compileConfig } from "../shared/domain/compile.ts";
import { isSlo, type SloProbe } from "../shared/domain/fold-slo.ts";
import { generateRuleFile } from "../shared/domain/generate-rules.ts";

const minute = 60_000;
const day = 24 * 60 * minute;
const scrape = 15_000;
const pods = 10;
const now = () => Date.now();

/** Samples that one latency SLO over ten pods reads a minute, with and without its recording rules. */
export async function benchSlo(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "sonde-bench-"));
  const binaries = await findPrometheus({
    cacheDir: join(homedir(), ".cache", "sonde"),
    env: process.env,
    progress: (line) => console.error(line),
    allowInstall: true,
  });
  const server = await startPrometheus({
    binaries,
    dataDir: join(directory, "data"),
    remoteWriteReceiver: true,
    outOfOrderWindow: "10d",
    signal: new AbortController().signal,
  });
  try {
    await compare(server.url);
  } finally {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function compare(url: string): Promise<void> {
  const send = buildSend({ auth: { kind: "none" }, now });
  const wait = async (ms: number) => {
    await sleep(ms);
  };
  const client = buildPrometheusClient({
    url,
    send,
    amp: false,
    stats: true,
    now,
    sleep: wait,
    random: Math.random,
  });
  const write = buildRemoteWrite({ url: `${url}/api/v1/write`, send, now });
  const end = Math.floor(now() / minute) * minute;
  const start = end - 3 * day - 10 * minute;
  await write(Array.from({ length: pods }, (_, pod) => buckets(pod, start, end)).flat());
  const probe = theSlo();
  const { total, counted } = probe.slo.sli;
  const file = generateRuleFile([], [], { amp: false, delay: 0 }, [{ probe, total, counted: counted.expr }]);
  const rules = file.groups.flatMap((group) => group.rules);
  for (const rule of rules) {
    if (rule.kind !== "record") continue;
    const { data } = await client.queryRange({
      query: rule.expr,
      start: start + 6 * minute,
      end,
      step: minute,
    });
    await write(
      data.map(({ labels, samples }) => ({
        labels: { ...labels, __name__: rule.name },
        samples: [...samples],
      })),
    );
  }
  const names = Object.fromEntries(
    Object.entries(probe.aliases).map(([alias, choice]) => [alias, choice.names[0] ?? ""]),
  );
  const cost = async (query: string) =>
    (await client.queryInstant({ query: replaceAliases(query, names), at: end })).samplesProcessed ?? 0;
  const [recorded, raw] = probe.variants;
  const without = await cost(raw?.query ?? "");
  let evaluated = 0;
  for (const { expr } of rules) evaluated += await cost(expr);
  const asked = await cost(recorded?.query ?? "");
  console.log(`one latency SLO, ${pods} pods, scraped every 15 s, three days of data; samples read a minute`);
  console.log(`without its rules  ${without}`);
  console.log(`with them          ${evaluated} by the ruler, ${asked} by Sonde`);
  console.log(`ratio              ${(without / (evaluated + asked)).toFixed(1)}`);
}

function buckets(pod: number, start: number, end: number) {
  return [
    ["3", 9],
    ["+Inf", 10],
  ].map(([le, grows]) => {
    const samples = [];
    for (let t = start; t <= end; t += scrape) samples.push({ t, v: ((t - start) / scrape) * Number(grows) });
    return { labels: { __name__: "ttft_seconds_bucket", pod: `pod-${pod}`, le: String(le) }, samples };
  });
}

function theSlo(): SloProbe {
  const slo = { objective: 99, latency: { histogram: "ttft_seconds", under: 3 } };
  const { compiled } = compileConfig(
    { probes: [{ id: "ttft", slo }] },
    { packs: [], ruleFiles: [], certificates: {} },
  );
  const probe = compiled.probes.find(isSlo);
  if (!probe) throw new Error("the bench's SLO does not compile");
  return probe;
}
