/** One target to scrape. Targets of the same job stand in one scrape config and must agree on its settings. */
export interface ScrapeTarget {
  readonly job: string;
  /** host:port */
  readonly address: string;
  readonly intervalSeconds: number;
  readonly metricsPath?: string;
  /** Target labels; `instance` in here replaces the address. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly honorLabels?: boolean;
}

export interface PrometheusSettings {
  readonly scrape?: readonly ScrapeTarget[];
  readonly ruleFiles?: readonly string[];
  readonly evaluationIntervalSeconds?: number;
  /** How far behind its newest sample the server takes older ones, such as `1h`. */
  readonly outOfOrderWindow?: string;
  /** host:port of an Alertmanager, or of several that are each told everything. */
  readonly alertmanager?: string | readonly string[];
}

/** The configuration file, as JSON, which is YAML too. */
export function prometheusConfig(settings: PrometheusSettings): string {
  const { scrape = [], ruleFiles, evaluationIntervalSeconds = 15, outOfOrderWindow, alertmanager } = settings;
  return JSON.stringify(
    {
      global: { scrape_interval: "15s", evaluation_interval: `${evaluationIntervalSeconds}s` },
      ...(outOfOrderWindow && { storage: { tsdb: { out_of_order_time_window: outOfOrderWindow } } }),
      ...(ruleFiles && { rule_files: ruleFiles }),
      ...(alertmanager && {
        alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager].flat() }] }] },
      }),
      scrape_configs: [...Map.groupBy(scrape, ({ job }) => job).values()].map(scrapeConfig),
    },
    null,
    2,
  );
}

function scrapeConfig(targets: readonly ScrapeTarget[]): unknown {
  const [first] = targets;
  const interval = first?.intervalSeconds ?? 15;
  return {
    job_name: first?.job,
    scrape_interval: `${interval}s`,
    scrape_timeout: `${Math.min(interval, 10)}s`,
    honor_labels: first?.honorLabels ?? false,
    static_configs: targets.map(({ address, metricsPath = "/metrics", labels = {} }) => ({
      targets: [address],
      labels: { __metrics_path__: metricsPath, ...labels },
    })),
  };
}
