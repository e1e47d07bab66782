import type { Labels } from "../../shared/domain/series.ts";
import { sparkline } from "../../shared/domain/sparkline.ts";
import { formatValue } from "../../shared/domain/units.ts";
import type { Status, Verdict } from "../../shared/domain/verdict.ts";
import { column, fit, paint, paintStatus, type Style } from "./style.ts";

export interface TableStyle extends Style {
  /** Every series on a line of its own, healthy ones too. */
  readonly verbose: boolean;
}

const probeWidth = 26;
const valueWidth = 12;
const sparkWidth = 24;
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
  if (style.verbose || status === "fail" || status === "warn")
    return verdicts.flatMap((verdict) => renderSeries(verdict, style));
  if (status === "unknown") return renderUnknown(verdicts, style);
  return groupBy(verdicts, ({ probe }) => probe).map(([probe, group]) => {
    const values = group.flatMap(({ value }) => (value === null ? [] : [value]));
    const range = [
      ...new Set(
        [Math.min(...values), Math.max(...values)].map((value) => formatValue(value, group[0]?.unit ?? "")),
      ),
    ];
    const shown = values.length === 0 ? "nothing found" : range.join(" … ");
    const pending = group.find((verdict) => verdict.pending);
    const note = pending ? pending.reason : `${group.length} series, ${group[0]?.reason ?? ""}`;
    return row(style, status, probe, shown, note);
  });
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
  return names ? [first, paint(style, "dim", `${" ".repeat(12)}${fit(names, style.width - 12)}`)] : [first];
}

function row(
  style: TableStyle,
  status: Status,
  probe: string,
  value: string,
  note: string,
  spark = "",
): string {
  const width = Math.max(valueWidth, [...value].length);
  const room = style.width - 12 - probeWidth - width - 3;
  const drawn = spark ? `${paint(style, "cyan", spark)}  ` : "";
  const left = room - (spark ? [...spark].length + 2 : 0);
  return `  ${paintStatus(style, status)} ${column(probe, probeWidth)} ${column(value, width)} ${drawn}${fit(note, Math.max(20, left))}`;
}

/** Probes that are unknown for the same reason share it; a reason is never cut, it is what there is to know. */
function renderUnknown(verdicts: readonly Verdict[], style: TableStyle): string[] {
  const groups = groupBy(verdicts, ({ cause, reason }) => `${cause} ${reason}`);
  return groups.flatMap(([, group]) => {
    const names = [...new Set(group.map(({ probe }) => probe))].join(", ");
    const [first = "", ...more] = wrap(names, style.width - indent.length);
    const reason = wrap(group[0]?.reason ?? "", style.width - indent.length);
    return [
      `  ${paintStatus(style, "unknown")} ${first}`,
      ...more.map((line) => indent + line),
      ...reason.map((line) => paint(style, "dim", indent + line)),
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
export function describeLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join("  ");
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  return [...Map.groupBy(items, keyOf)];
}
