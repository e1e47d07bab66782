import type { Probe } from "../../shared/domain/probe.ts";
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
export function renderVerdicts(
  verdicts: readonly Verdict[],
  probes: readonly Probe[],
  style: TableStyle,
): string[] {
  const targets = [...new Set(verdicts.map(({ target }) => target))];
  return targets.flatMap((target) => {
    const own = verdicts.filter((verdict) => verdict.target === target);
    const rows = gravestFirst.flatMap((status) =>
      renderStatus(
        status,
        own.filter((verdict) => verdict.status === status),
        probes,
        style,
      ),
    );
    return ["", paint(style, "bold", fit(target, style.width)), ...rows];
  });
}

function renderStatus(
  status: Status,
  verdicts: readonly Verdict[],
  probes: readonly Probe[],
  style: TableStyle,
): string[] {
  if (verdicts.length === 0) return [];
  if (style.verbose || status === "fail" || status === "warn")
    return verdicts.flatMap((verdict) => renderSeries(verdict, style));
  if (status === "unknown") return renderUnknown(verdicts, probes, style);
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

/** Probes that are unknown for the same reason share a line, and a pack's missing component is one line. */
function renderUnknown(verdicts: readonly Verdict[], probes: readonly Probe[], style: TableStyle): string[] {
  const sources = new Map(probes.map((probe) => [probe.id, probe.source]));
  const groups = groupBy(verdicts, ({ probe, cause, reason }) => {
    const source = sources.get(probe);
    return cause === "missing" && source?.kind === "pack"
      ? `missing ${source.component} ${reason}`
      : `${cause} ${reason}`;
  });
  return groups.flatMap(([, group]) => {
    const names = [...new Set(group.map(({ probe }) => probe))];
    const name = names.length === 1 ? (names[0] ?? "") : `${names.length} probes`;
    const cause = group[0]?.cause === "idle" ? "idle" : "";
    const first = row(style, "unknown", name, cause || "–", group[0]?.reason ?? "");
    const list =
      names.length > 1
        ? [paint(style, "dim", `${" ".repeat(12)}${fit(names.join(", "), style.width - 12)}`)]
        : [];
    return [first, ...list];
  });
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
