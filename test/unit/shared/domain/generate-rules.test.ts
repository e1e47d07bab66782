import { describe, expect, it } from "vitest";

import type { SloConfig } from "../../../../shared/domain/config.ts";
import { alertName, generateRuleFile, packRecordings } from "../../../../shared/domain/generate-rules.ts";
import type { Probe } from "../../../../shared/domain/probe.ts";
import { renderRuleFile } from "../../../../shared/domain/rule-file.ts";
import { aLevel, aProbe } from "../../../support/builders.ts";
import { pack, packProbe } from "../../../support/pack.ts";
import { anSlo } from "../../../support/slo.ts";

const minute = 60_000;
const options = { amp: false, delay: 0 };
const temperature = packProbe("gpu-temperature");
const query = "max by (gpu) (temp)";

describe("generated alert rules", () => {
  it("are one for each threshold, with the probe's query, times and texts", () => {
    const [group] = renderRuleFile(generateRuleFile([{ probe: temperature, query }], [], options)).groups;
    expect(group?.name).toBe("sonde-dcgm-30s");
    expect(group?.interval).toBe("30s");
    expect(group?.rules.map(({ alert, expr, for: hold, labels }) => ({ alert, expr, hold, labels }))).toEqual(
      [
        {
          alert: "GpuTemperature",
          expr: "(max by (gpu) (temp)) > 80",
          hold: "5m",
          labels: { severity: "warning", probe: "gpu-temperature" },
        },
        {
          alert: "GpuTemperature",
          expr: "(max by (gpu) (temp)) > 85",
          hold: "5m",
          labels: { severity: "critical", probe: "gpu-temperature" },
        },
      ],
    );
    expect(group?.rules[0]?.annotations?.summary).toBe(temperature.summary);
  });

  it("take the query as it is where every sample is a breach", () => {
    const probe = aProbe({ kind: "rule", levels: [aLevel("fail", "any", 5 * minute, 10 * minute)] });
    const [group] = renderRuleFile(generateRuleFile([{ probe, query: "up == 0" }], [], options)).groups;
    expect(group?.rules[0]).toMatchObject({ expr: "up == 0", for: "5m", keep_firing_for: "10m" });
  });

  it("leave out probes that are for information", () => {
    expect(generateRuleFile([{ probe: aProbe({ levels: [] }), query }], [], options).groups).toEqual([]);
  });

  it("step as the probe does, but not faster than AMP's ruler", () => {
    const quick = aProbe({ id: "a", step: 15_000 });
    const slow = aProbe({ id: "b", step: 5 * minute });
    const { groups } = generateRuleFile(
      [
        { probe: quick, query },
        { probe: slow, query },
      ],
      [],
      options,
    );
    expect(groups.map(({ name, interval }) => [name, interval])).toEqual([
      ["sonde-probes-30s", 30_000],
      ["sonde-probes-5m", 5 * minute],
    ]);
  });

  it("look at the moment that Sonde looks at, where the ruler is AMP's", () => {
    const sources = [{ probe: temperature, query }];
    const offset = (amp: boolean) =>
      renderRuleFile(generateRuleFile(sources, [], { amp, delay: 30_000 })).groups.at(-1)?.query_offset;
    expect(offset(true)).toBe("30s");
    expect(offset(false)).toBeUndefined();
  });
});

it("an alert that always fires, and one for drills, stand with AMP's rules, and with no other", () => {
  const rules = (amp: boolean) => renderRuleFile(generateRuleFile([], [], { amp, delay: 0 })).groups;
  expect(rules(true)).toMatchObject([
    {
      name: "sonde-watchdog",
      interval: "30s",
      rules: [{ alert: "Watchdog", expr: "vector(1)" }, { alert: "SondeDrill" }],
    },
  ]);
  expect(rules(false)).toEqual([]);
});

describe("the rules of an SLO", () => {
  const rules = (config: SloConfig, change: Partial<Probe> = {}) => {
    const probe = anSlo(config, change);
    const { total, counted } = probe.slo.sli;
    const file = generateRuleFile([], [], { amp: true, delay: 30_000 }, [
      { probe, total, counted: counted.expr },
    ]);
    const group = renderRuleFile(file).groups.find(({ name }) => name.startsWith("sonde-slo"));
    const short = (text = "") => text.replaceAll(probe.slo.record, "slo");
    return {
      group,
      records: new Map(
        group?.rules.flatMap(({ record, expr }) => (record ? [[short(record), short(expr)] as const] : [])),
      ),
      alerts: group?.rules
        .filter(({ alert }) => alert)
        .map(({ expr, labels }) => [labels?.severity, short(expr)]),
    };
  };

  it("are one group: its windows, shortest first, and what they say", () => {
    const { group, records, alerts } = rules({ minimumEvents: 100 });
    expect([group?.name, group?.interval, group?.query_offset]).toEqual([
      "sonde-slo-gateway-errors",
      "1m",
      "30s",
    ]);
    expect([...records.keys()]).toEqual([
      ...["5m", "30m", "1h", "2h", "6h", "1d", "3d"].flatMap((window) => [
        `slo:total_${window}`,
        `slo:bad_${window}`,
      ]),
      "slo:ready",
    ]);
    expect(records.get("slo:total_1h")).toBe("sum by (route) (rate(requests_total[1h]))");
    expect(records.get("slo:bad_5m")).toBe(
      '(\nsum by (route) (rate(requests_total{code=~"5.."}[5m]))\n) or 0 * slo:total_5m',
    );
    expect(records.get("slo:bad_3d")).toBe("sum_over_time(slo:bad_5m[3d]) / 4320");
    expect(records.get("slo:ready")).toBe("count(slo:total_5m offset 3d)");
    expect(alerts?.[1]).toEqual([
      "critical",
      "(slo:bad_1h / slo:total_1h / 0.001 > 14.4 and slo:bad_5m / slo:total_5m / 0.001 > 14.4 and slo:total_1h * 3600 >= 100)\nor\n" +
        "(slo:bad_6h / slo:total_6h / 0.001 > 6 and slo:bad_30m / slo:total_30m / 0.001 > 6 and slo:total_6h * 21600 >= 100)",
    ]);
    expect(alerts?.map(([severity]) => severity)).toEqual(["warning", "critical"]);
  });

  it("sum a count's record to the events of the window", () => {
    const { records, alerts } = rules({
      errors: "sum(increase(bad[$window]))",
      total: "sum(increase(all[$window]))",
      minimumEvents: 10,
    });
    expect(records.get("slo:total_1d")).toBe("sum_over_time(slo:total_5m[1d]) / 5");
    expect(alerts?.[0]?.[1]).toContain("slo:total_1d >= 10");
  });

  it("never take a bucket that is not there for a total outage", () => {
    const { records } = rules({ latency: { histogram: "ttft_seconds", under: 3 } });
    expect(records.get("slo:bad_5m")).toBe(
      'clamp_min(slo:total_5m - (\nsum (rate(ttft_seconds_bucket{le=~"3|3\\\\.0"}[5m]))\n), 0)',
    );
  });

  it("say in words what burns where config has no summary", () => {
    const summary = (change: Partial<Probe>) => rules({}, change).group?.rules.at(-1)?.annotations?.summary;
    expect(summary({})).toBe(
      "gateway-errors: 99.9 % over 30d burns {{ $value | humanize }} times as fast as it may",
    );
    expect(summary({ summary: "own" })).toBe("own");
  });
});

describe("recordings", () => {
  it("are those of the guides, of components in use", () => {
    const names = packRecordings([pack], (_, component) => component === "vllm").map(({ record }) => record);
    expect(names).toContain("ai:ttft_seconds:p99");
    expect(names).not.toContain("ai:gpu_temperature_celsius");
  });

  it("cover every recording rule of the guides", () => {
    const names = packRecordings([pack], () => true).map(({ record }) => record);
    for (const record of [
      "ai:ttft_seconds:p50",
      "ai:ttft_seconds:p99",
      "ai:itl_seconds:p50",
      "ai:tokens_per_second",
      "ai:requests_per_second",
      "ai:gpu_utilization:avg",
      "ai:gpu_memory_used_bytes",
      "ai:gpu_temperature_celsius",
      "ai:gpu_power_watts",
      "ai:kv_cache_usage_percent",
      "ai:pending_requests",
      "ai:active_sequences",
    ])
      expect(names).toContain(record);
  });

  it("stand in groups of their own", () => {
    const recording = { component: "vllm", record: "ai:x", query: "sum(x)" };
    const { groups } = generateRuleFile([], [recording], options);
    expect(renderRuleFile({ groups }).groups).toEqual([
      { name: "sonde-vllm-recordings", interval: "1m", rules: [{ record: "ai:x", expr: "sum(x)" }] },
    ]);
  });
});

it("an alert is called like its probe", () => {
  expect(alertName("vllm-ttft-p99")).toBe("VllmTtftP99");
  expect(alertName("gateway-5xx")).toBe("Gateway5xx");
});
