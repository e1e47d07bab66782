import type { Labels } from "../../../shared/domain/series.ts";
import type { Family, FamilyType } from "./family.ts";

/** Where Prometheus finds a target, and what it sticks on everything that it reads there. */
export interface Place {
  readonly job: string;
  /** Target labels: `instance`, and what service discovery would add. */
  readonly labels: Labels;
  readonly honorLabels?: boolean;
}

interface ExposedSeries {
  readonly name: string;
  /** As the exporter writes them, before Prometheus adds the target's. */
  readonly labels: Labels;
}

export interface ExposedFamily {
  readonly name: string;
  readonly type: FamilyType;
  readonly series: readonly ExposedSeries[];
}

export interface Target extends Required<Place> {
  readonly families: readonly ExposedFamily[];
  /** Number of series over all families. */
  readonly size: number;
  /**
   * The value of every series at a time, in the order of the families; NaN where a series is not exposed.
   * Null while the target does not answer.
   */
  read(t: number): Float64Array | null;
}

/** Joins a place, its families and its state over time; `state` answers null while the target is down. */
export function buildTarget<State>(
  place: Place,
  families: readonly Family<State>[],
  state: (t: number) => State | null,
): Target {
  const merged = mergeByName(families);
  const cells = merged.flatMap((family) => family.cells);
  return {
    job: place.job,
    labels: place.labels,
    honorLabels: place.honorLabels ?? false,
    families: merged.map((family) => ({
      name: family.name,
      type: family.type,
      series: family.cells.map((cell) => ({ name: family.name + cell.suffix, labels: cell.labels })),
    })),
    size: cells.length,
    read: (t) => {
      const now = state(t);
      return now === null ? null : Float64Array.from(cells, (cell) => cell.value(now) ?? Number.NaN);
    },
  };
}

function mergeByName<State>(families: readonly Family<State>[]): Family<State>[] {
  const byName = new Map<string, Family<State>>();
  for (const family of families) {
    const known = byName.get(family.name);
    byName.set(family.name, known ? { ...known, cells: [...known.cells, ...family.cells] } : family);
  }
  return [...byName.values()];
}

/** The labels under which Prometheus stores a series of a target, by its rules for conflicts. */
export function storedLabels(target: Place, series: Labels): Labels {
  const attached: Labels = { job: target.job, ...target.labels };
  const stored: Record<string, string> = { ...attached };
  for (const [name, value] of Object.entries(series)) {
    const conflicts = name in attached && value !== "" && !target.honorLabels;
    stored[conflicts ? `exported_${name}` : name] = value;
  }
  return Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== ""));
}
