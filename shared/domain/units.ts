import { comparisonPattern } from "./comparison.ts";

const suffixes: Readonly<Record<string, string>> = {
  celsius: "°C",
  seconds: "s",
  percent: "%",
  watts: "W",
  usd: "USD",
  dollars: "USD",
  x: "×",
};

/** A value with its unit as people read it: `91.2 °C`, `9.1 %` of a ratio, `1.5 GiB` of bytes. */
export function formatValue(value: number | null, unit: string): string {
  if (value === null) return "–";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (unit === "ratio") return `${formatNumber(value * 100)} %`;
  if (unit === "bytes") return formatBytes(value);
  if (unit === "seconds" && Math.abs(value) < 1 && value !== 0) return `${formatNumber(value * 1000)} ms`;
  if (unit === "seconds" && Math.abs(value) >= 120) return `${formatNumber(value / 60)} min`;
  const suffix = suffixes[unit] ?? unit;
  return suffix ? `${formatNumber(value)} ${suffix}` : formatNumber(value);
}

/** Three significant digits, no exponent where a person would write none. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e9)) return value.toExponential(2);
  if (size >= 1000) return Math.round(value).toString();
  return Number(value.toPrecision(3)).toString();
}

function formatBytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.abs(value) || 1) / 10)));
  return `${formatNumber(value / 1024 ** power)} ${units[power]}`;
}

/** A threshold as config writes it, in the unit that people read: `> 0.05` of a ratio is `> 5 %`. */
export function formatThreshold(threshold: string, unit: string): string {
  const match = comparisonPattern.exec(threshold);
  return match?.[1] ? `${match[1]} ${formatValue(Number(match[2]), unit)}` : threshold;
}
