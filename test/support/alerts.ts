import { quote } from "../../shared/domain/go-quote.ts";
import type { ReceivedAlert } from "../../shared/domain/received-alert.ts";

export function anAlert(change: Partial<ReceivedAlert> = {}): ReceivedAlert {
  return {
    status: "firing",
    labels: { alertname: "GpuTemperature", gpu: "0" },
    annotations: { summary: "GPU 0 is hot" },
    startsAt: Date.UTC(2026, 10, 25, 1, 2, 3, 456),
    endsAt: null,
    generatorUrl: "http://prometheus:9090/graph?g0.expr=temp",
    ...change,
  };
}

/** What our definition's template makes of alerts: the integration test holds it against a real Alertmanager. */
export function linesMessage(target: string, alerts: readonly ReceivedAlert[]): string {
  const time = (at: number | null) =>
    quote(at === null ? "0001-01-01T00:00:00.000Z" : new Date(at).toISOString());
  const pairs = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels)
      .map(([name, value]) => ` ${quote(name)} ${quote(value)}`)
      .join("");
  const lines = alerts.map(
    ({ status, startsAt, endsAt, generatorUrl, labels, annotations }) =>
      `${status} ${time(startsAt)} ${time(endsAt)} ${quote(generatorUrl)} labels${pairs(labels)} annotations${pairs(annotations)}\n`,
  );
  const header = `sonde-alerts 1 target ${quote(target)} alerts ${alerts.length} receiver "sonde" group "alertname" "a"\n`;
  return `${header}${lines.join("")}end\n`;
}
