import type { StageObservation } from "./observation.ts";

/** `events_only` is v4's mode, `legacy` v3's: they differ in what is written when, and by which path it is read. */
export type WriteMode = "events_only" | "legacy";

/** An observation of a project, and from when to when it can be read. Unix milliseconds. */
interface Row {
  readonly project: string;
  readonly observation: StageObservation;
  traceVisibleAt: number;
  visibleAt: number;
  goneAt: number;
}

export interface DatabaseOptions {
  readonly mode: WriteMode;
  readonly now: () => number;
  /** From the POST to what can be read of it. */
  readonly lagMs: () => number;
  /** In legacy, from the trace's job to its observations': before it where this is negative. */
  readonly observationLagMs: number;
  readonly deleteMs: number;
}

export interface Database {
  readonly add: (
    project: string,
    observations: readonly StageObservation[],
    lost: "all" | "observations" | "none",
  ) => void;
  /** What can be read now. */
  readonly observations: (project: string) => readonly StageObservation[];
  /** The traces that can be read now, by id; in legacy without the observations whose job is still to come. */
  readonly traces: (project: string) => ReadonlyMap<string, readonly StageObservation[]>;
  /** Takes away what can be read now of a trace, a while later. */
  readonly remove: (project: string, traceId: string) => void;
  /** The worker is well again: what lay in the queue is written from now on. */
  readonly catchUp: () => void;
  /** Every trace that was accepted and is not gone, visible or not. */
  readonly kept: () => readonly string[];
}

export function buildDatabase({ mode, now, lagMs, observationLagMs, deleteMs }: DatabaseOptions): Database {
  const rows: Row[] = [];
  const own = (project: string) => rows.filter((row) => row.project === project && row.goneAt > now());
  const observations = (project: string) =>
    own(project)
      .filter(({ visibleAt }) => visibleAt <= now())
      .map(({ observation }) => observation);
  return {
    add: (project, added, lost) => {
      const at = now() + lagMs();
      for (const observation of added) {
        const later = mode === "legacy" ? observationLagMs : 0;
        rows.push({
          project,
          observation,
          traceVisibleAt: lost === "all" ? Number.POSITIVE_INFINITY : at,
          visibleAt: lost === "none" ? at + later : Number.POSITIVE_INFINITY,
          goneAt: Number.POSITIVE_INFINITY,
        });
      }
    },
    observations,
    traces: (project) => {
      const visible = own(project).filter(({ traceVisibleAt }) => traceVisibleAt <= now());
      const ids = [...new Set(visible.map(({ observation }) => observation.traceId))];
      const readable = Map.groupBy(observations(project), ({ traceId }) => traceId);
      return new Map(ids.map((id) => [id, readable.get(id) ?? []]));
    },
    remove: (project, traceId) => {
      for (const row of own(project))
        if (row.observation.traceId === traceId && Math.min(row.visibleAt, row.traceVisibleAt) <= now())
          row.goneAt = Math.min(row.goneAt, now() + deleteMs);
    },
    catchUp: () => {
      for (const row of rows) {
        if (row.traceVisibleAt === Number.POSITIVE_INFINITY) row.traceVisibleAt = now() + lagMs();
        if (row.visibleAt === Number.POSITIVE_INFINITY) row.visibleAt = now() + lagMs();
      }
    },
    kept: () => [
      ...new Set(rows.filter(({ goneAt }) => goneAt > now()).map(({ observation }) => observation.traceId)),
    ],
  };
}
