import type { ChangeKind, IncidentChange } from "../../shared/domain/incident.ts";

/** Changes that the channel should see even where they stand in a thread: what calls for somebody to look again. */
const loud: ReadonlySet<ChangeKind> = new Set([
  "fired-again",
  "escalated",
  "unmuted",
  "calm",
  "unanswered",
  "repeated",
]);

export function isLoud({ what }: IncidentChange): boolean {
  return loud.has(what);
}

/** What must be told where nothing can be edited: the beginning and the end besides. */
export function isNews(change: IncidentChange): boolean {
  const { what } = change;
  return (
    isLoud(change) || what === "firing" || what === "flapping" || what === "recovered" || what === "gone"
  );
}
