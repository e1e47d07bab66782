import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod/mini";

import { runCli } from "../support/cli.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";
import { type RealPrometheus, startPrometheus } from "../support/real-prometheus.ts";

const asked = z.object({
  model: z.literal("tiny"),
  messages: z.array(z.looseObject({})),
  max_tokens: z.number(),
});

const counted = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

let gateway: Loopback;
let prometheus: RealPrometheus;
let folder: string;
/** What the gateway counts, and whether it does. */
const counts = { good: 100, bad: 0 };
let counting = true;

/** A gateway that answers completions, refuses what is none, and counts both as Envoy does. */
beforeAll(async () => {
  gateway = await serveHttp(async (request, response) => {
    if (request.url === "/metrics") return void response.end(exposition());
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const good = isGood(Buffer.concat(chunks).toString());
    if (counting) counts[good ? "good" : "bad"] += 1;
    response.writeHead(good ? 200 : 400, { "content-type": "application/json" }).end("{}");
  });
  prometheus = await startPrometheus({
    config: `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: envoy
    static_configs: [{ targets: ["127.0.0.1:${gateway.port}"] }]
`,
  });
  folder = await mkdtemp(join(tmpdir(), "sonde-drill-"));
  await writeFile(
    join(folder, "sonde.yaml"),
    JSON.stringify({
      targets: [{ name: "lab", prometheus: prometheus.url }],
      packs: [{ name: "llm-on-eks", components: ["gateway-envoy"] }],
      probes: ["gateway-4xx", "gateway-5xx"].map((id) => ({ id, step: "1s" })),
      completion: [{ name: "chat", url: `http://127.0.0.1:${gateway.port}/v1`, model: "tiny" }],
    }),
  );
  // A rate needs what was before.
  for (let tries = 0; tries < 120 && (await scrapes()) < 4; tries++) await pause(500);
});
afterAll(async () => {
  await prometheus.stop();
  await gateway.stop();
  await rm(folder, { recursive: true, force: true });
});

/** How often Prometheus has asked the gateway. */
async function scrapes(): Promise<number> {
  const answer = await fetch(`${prometheus.url}/api/v1/query?query=count_over_time(envoy_server_live[5m])`);
  const { data } = counted.parse(await answer.json());
  return Number(data.result[0]?.value[1] ?? 0);
}

function isGood(body: string): boolean {
  try {
    return asked.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}

function exposition(): string {
  const labels = 'envoy_http_conn_manager_prefix="http"';
  return [
    `envoy_server_live 1`,
    `envoy_http_downstream_rq_total{${labels}} ${counts.good + counts.bad}`,
    `envoy_http_downstream_rq_completed{${labels}} ${counts.good + counts.bad}`,
    `envoy_http_downstream_rq_xx{${labels},envoy_response_code_class="2"} ${counts.good}`,
    `envoy_http_downstream_rq_xx{${labels},envoy_response_code_class="4"} ${counts.bad}`,
    `envoy_http_downstream_rq_xx{${labels},envoy_response_code_class="5"} 0`,
    `envoy_http_downstream_rq_time_count{${labels}} ${counts.good + counts.bad}`,
    "",
  ].join("\n");
}

function drill(...args: string[]) {
  const sleep = async (ms: number) => {
    await pause(Math.min(ms, 1_000));
  };
  return runCli(["drill", "errors", "-c", join(folder, "sonde.yaml"), ...args], { sleep });
}

describe("sonde drill errors", () => {
  it("sees requests, errors and latency counted, and a probe that would notice", async () => {
    const { out, code } = await drill("--json", "--wait", "50s");
    const lines = out.map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { check: "valid requests", status: "ok", says: "6 of 6 answered 200" },
      { check: "malformed requests", status: "ok", says: "6 of 6 refused" },
      { check: "requests counted", status: "ok" },
      {
        check: "errors counted",
        status: "ok",
        says: expect.stringContaining("envoy_http_downstream_rq_xx +"),
      },
      { check: "latency counted", status: "ok" },
      { check: "errors seen by a probe", status: "ok", says: expect.stringContaining("gateway-4xx") },
      { summary: { ok: 6, fail: 0, unknown: 0 } },
    ]);
    expect(code).toBe(0);
  });

  it("fails where the gateway answers and counts nothing of it", async () => {
    counting = false;
    const { out, code } = await drill("--requests", "1", "--wait", "4s");
    counting = true;
    expect(out.join("\n")).toMatch(/fail +errors counted +envoy_http_downstream_rq_xx did not move/);
    expect(code).toBe(1);
  });

  it.each([
    [["--requests", "21"], "not a whole number from 1 to 20"],
    [["--wait", "soon"], "not a duration"],
    [["--completion", "chad"], 'no completion "chad"'],
    [["--target", "lib"], 'no target "lib"'],
  ])("refuses %j in one line", async (args, says) => {
    expect(await drill(...args)).toMatchObject({ code: 2, err: [expect.stringContaining(says)] });
  });
});
