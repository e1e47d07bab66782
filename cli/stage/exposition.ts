import type { Labels } from "../../shared/domain/series.ts";
import type { Target } from "./platform/target.ts";

/** A series as text: name and labels, without the value. */
export function seriesText(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeValue(value)}"`);
  return pairs.length > 0 ? `${name}{${pairs.join(",")}}` : name;
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`));
}

/** How a target is written, with everything that does not change over time written once. */
export function buildExposition(target: Target): (t: number) => string | null {
  const families = target.families.map(({ name, type, series }) => ({
    head: `# TYPE ${name} ${type}\n`,
    lines: series.map((own) => `${seriesText(own.name, own.labels)} `),
  }));
  return (t) => {
    const values = target.read(t);
    if (!values) return null;
    let index = 0;
    let text = "";
    for (const { head, lines } of families) {
      let body = "";
      for (const line of lines) {
        const value = values[index++] ?? Number.NaN;
        if (!Number.isNaN(value)) body += `${line}${value}\n`;
      }
      if (body) text += head + body;
    }
    return text;
  };
}
