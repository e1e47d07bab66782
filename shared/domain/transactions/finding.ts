import type { Reach } from "../reach.ts";

/**
 * What a transaction found wrong. `fail`: the platform does not do what it is for. `warn`: it does, and something
 * about it needs care. `unknown`: the transaction itself could not tell.
 */
export interface Finding {
  readonly id: string;
  readonly verdict: "fail" | "warn" | "unknown";
  /** What is wrong, in one line. */
  readonly cause: string;
  /** What to do about it, in one line. */
  readonly fix: string;
  /** What was seen this time: a status, a number, names of fields. Empty where the cause says it all. */
  readonly seen: string;
  /** Where no server answered: what it means depends on where whoever asked stands. */
  readonly reach?: Reach;
}

const gravity = { fail: 0, unknown: 1, warn: 2 } as const;

/** The gravest first; among equals the order in which they were found. */
export function byGravity(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => gravity[a.verdict] - gravity[b.verdict]);
}

/** `cause (seen); fix` of the gravest finding, and the names of the others. */
export function describeFindings(findings: readonly Finding[]): string {
  const [first, ...more] = byGravity(findings);
  if (!first) return "";
  const others = more.length === 0 ? "" : `; also: ${more.map(({ id }) => id).join(", ")}`;
  return `${first.cause}${first.seen ? ` (${first.seen})` : ""}; ${first.fix}${others}`;
}
