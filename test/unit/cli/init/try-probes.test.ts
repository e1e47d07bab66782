import { expect, it } from "vitest";
import { parse } from "yaml";

import { starterText } from "../../../../cli/init/starter.ts";
import { findJobs, tryProbes } from "../../../../cli/init/try-probes.ts";
import { type InstantQuery, PrometheusError } from "../../../../shared/domain/prometheus.ts";
import type { InstantSeries, Labels } from "../../../../shared/domain/series.ts";
import { pack, packProbe } from "../../../support/pack.ts";

const one = (labels: Labels, v = 1): InstantSeries => ({ labels, sample: { t: 0, v } });

/** A server on which names exist, GPUs are warm, nobody asks the gateway, and one query is too much. */
const answers: readonly (readonly [RegExp, readonly InstantSeries[] | PrometheusError])[] = [
  [/^vector/, [one({})]],
  [
    /^count by \(__name__\)/,
    [
      "DCGM_FI_DEV_SM_CLOCK",
      "DCGM_FI_DEV_GPU_TEMP",
      "envoy_server_live",
      "envoy_http_downstream_rq_completed",
      "scrape_series_added",
    ].map((__name__) => one({ __name__ })),
  ],
  [/^max by .*DCGM_FI_DEV_GPU_TEMP/, [one({ gpu: "0" }, 50), one({ gpu: "1" }, 60)]],
  [/envoy_http_downstream_rq_xx/, [one({ namespace: "gw" }, Number.NaN)]],
  [/scrape_series_added/, new PrometheusError("too-expensive", "would read too many samples")],
  [/^group by \(job\)/, [one({ job: "gpus" })]],
];

let atOnce = 0;
let most = 0;
async function queryInstant({ query }: InstantQuery) {
  most = Math.max(most, ++atOnce);
  await Promise.resolve();
  atOnce--;
  const found = answers.find(([pattern]) => pattern.test(query))?.[1] ?? [];
  if (found instanceof PrometheusError) throw found;
  return { data: [...found], notices: [] };
}

const ids = ["gpu-temperature", "gpu-xid-fatal", "gpu-health", "gateway-5xx", "series-churn", "epp-down"];

it("what became of each probe is told apart", async () => {
  const trials = await tryProbes(ids.map(packProbe), { queryInstant }, 0);
  expect(trials.map(({ probe, outcome }) => [probe.id, outcome.kind])).toEqual([
    ["gpu-temperature", "answers"],
    ["gpu-xid-fatal", "quiet"],
    ["gpu-health", "missing"],
    ["gateway-5xx", "idle"],
    ["series-churn", "failed"],
    ["epp-down", "empty"],
  ]);
  expect(most).toBeLessThanOrEqual(8);
});

it("the starter has what works on, what does not off, and components that are not here as comments", async () => {
  const trials = await tryProbes(ids.map(packProbe), { queryInstant }, 0);
  const jobs = await findJobs(trials, { queryInstant }, 0);
  const text = starterText({
    target: { name: "t", url: "http://p:9090" },
    pack,
    trials,
    jobs,
    now: Date.UTC(2026, 10, 21),
  });
  expect(parse(text)).toEqual({
    targets: [{ name: "t", prometheus: "http://p:9090" }],
    packs: [{ name: "llm-on-eks", components: ["dcgm", "gateway-envoy"] }],
    probes: [
      { id: "gpu-health", enabled: false },
      { id: "job-vanished", enabled: false },
      {
        id: "job-gpus",
        query: 'count(up{job="gpus"}) or 0 * absent(up{job="gpus"})',
        unit: "targets",
        fail: "< 1",
        for: "5m",
        summary: "Job gpus has no targets",
      },
    ],
  });
  expect(text).toContain("on 2026-11-21, from what http://p:9090 exposed");
  expect(text).toMatch(/# - epp +# Endpoint picker/);
});

it("jobs whose names differ only in what an id cannot hold get ids of their own", () => {
  const jobs = ["a-vllm", "a/vllm", "vanished"];
  const text = starterText({ target: { name: "t", url: "http://p:9090" }, pack, trials: [], jobs, now: 0 });
  expect(parse(text).probes.map(({ id }: { id: string }) => id)).toEqual([
    "job-vanished",
    "job-a-vllm",
    "job-a-vllm-2",
    "job-vanished-2",
  ]);
});
