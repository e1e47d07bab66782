import type { Labels } from "../../shared/domain/series.ts";
import { sparkline } from "../../shared/domain/sparkline.ts";
import { formatValue } from "../../shared/domain/units.ts";
import type { Status, Verdict } from "../../shared/domain/verdict.ts";
import { column, fit, paint, paintStatus, type Style } from "./style.ts";

export interface TableStyle extends Style {
  /** How much of what is well: the probes' names, a line for each probe, or one for each series. */
  readonly healthy: "names" | "probes" | "series";
}

const probeWidth = 26;
const valueWidth = 12;
const sparkWidth = 16;
const gravestFirst: readonly Status[] = ["fail", "warn", "unknown", "ok"];

/** The verdicts of a round as lines for a person: what is wrong first and in full, what is well in short. */
export function renderVerdicts(verdicts: readonly Verdict[], style: TableStyle): string[] {
  const targets = [...new Set(verdicts.map(({ target }) => target))];
  return targets.flatMap((target) => {
    const own = verdicts.filter((verdict) => verdict.target === target);
    const rows = gravestFirst.flatMap((status) =>
      renderStatus(
        status,
        own.filter((verdict) => verdict.status === status),
        style,
      ),
    );
    return ["", paint(style, "bold", fit(target, style.width)), ...rows];
  });
}

function renderStatus(status: Status, verdicts: readonly Verdict[], style: TableStyle): string[] {
  if (verdicts.length === 0) return [];
  if (status === "unknown")
    return style.healthy === "series"
      ? groupBy(verdicts, ({ probe }) => probe).flatMap(([, group]) => renderUnknown(group, style))
      : renderUnknown(verdicts, style);
  if (style.healthy === "series" || status !== "ok")
    return verdicts.flatMap((verdict) => renderSeries(verdict, style));
  const groups = groupBy(verdicts, ({ probe }) => probe);
  if (style.healthy === "probes") return groups.map(([probe, group]) => renderHealthy(probe, group, style));
  const names = wrap(groups.map(([probe]) => probe).join(", "), style.width - indent.length);
  return [
    `  ${paintStatus(style, "ok")} ${groups.length} probes, ${verdicts.length} series`,
    ...names.map((line) => paint(style, "dim", indent + line)),
  ];
}

/** One line for all healthy series of a probe: from the least to the greatest value. */
function renderHealthy(probe: string, group: readonly Verdict[], style: TableStyle): string {
  const [first] = group;
  const values = group.flatMap(({ value }) => (value === null ? [] : [value]));
  if (!first || values.length === 0) return row(style, "ok", probe, "none", "returns nothing, as it should");
  const ends = [Math.min(...values), Math.max(...values)].map((value) => formatValue(value, first.unit));
  const pending = group.find((verdict) => verdict.pending);
  const note = pending ? pending.reason : first.reason;
  const count = values.length === 1 ? "" : ` (${values.length} series)`;
  return row(style, "ok", probe, [...new Set(ends)].join(" … "), `${note}${count}`);
}

function renderSeries(verdict: Verdict, style: TableStyle): string[] {
  const { status, probe, value, unit, points, labels, reason, blind } = verdict;
  const spark = sparkline(
    points.map(({ v }) => (Number.isFinite(v) ? v : null)),
    sparkWidth,
  );
  const note = `${blind ? "(blind) " : ""}${reason}`;
  const first = row(style, status, probe, formatValue(value, unit), note, spark);
  const names = describeLabels(labels);
  return names
    ? [first, ...wrap(names, style.width - indent.length).map((line) => paint(style, "dim", indent + line))]
    : [first];
}

/** Status, probe, value and a note in columns; without a sparkline the value has its place too. */
function row(
  style: TableStyle,
  status: Status,
  probe: string,
  value: string,
  note: string,
  spark = "",
): string {
  const shown = column(value, Math.max([...value].length, spark ? valueWidth : valueWidth + sparkWidth + 2));
  const drawn = spark ? `${paint(style, "cyan", column(spark, sparkWidth))}  ` : "";
  const used = indent.length + probeWidth + 1 + [...shown].length + 1 + (spark ? sparkWidth + 2 : 0);
  const room = Math.max(20, style.width - used);
  return `  ${paintStatus(style, status)} ${column(probe, probeWidth)} ${shown} ${drawn}${fit(note, room)}`;
}

/** Probes that are unknown for the same reason share it; a reason is never cut, it is what there is to know. */
function renderUnknown(verdicts: readonly Verdict[], style: TableStyle): string[] {
  const groups = groupBy(verdicts, ({ cause, reason }) =>
    cause === "missing" ? cause : `${cause} ${reason}`,
  );
  return groups.flatMap(([, group]) => {
    const names = [...new Set(group.map(({ probe }) => probe))];
    const [first = "", ...more] = wrap(names.join(", "), style.width - indent.length);
    const reason =
      group[0]?.cause === "missing" && names.length > 1
        ? "their metrics are not on this target: --verbose says of each what would bring it"
        : (group[0]?.reason ?? "");
    return [
      `  ${paintStatus(style, "unknown")} ${first}`,
      ...more.map((line) => indent + line),
      ...wrap(reason, style.width - indent.length).map((line) => paint(style, "dim", indent + line)),
    ];
  });
}

const indent = " ".repeat(12);

/** Text in lines of at most `width` characters, broken at spaces where that can be. */
function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of fit(text, Number.MAX_SAFE_INTEGER).split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if ([...line, ...word].length + 1 <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Labels on one line, the ones that name the object first. */
function describeLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  return [...Map.groupBy(items, keyOf)];
}
