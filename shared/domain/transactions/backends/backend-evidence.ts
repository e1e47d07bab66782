import type { Exchange } from "../exchange.ts";
import type { LagHistory } from "../lag-history.ts";

export interface FieldDifference {
  /** The span, or the line. */
  readonly of: string;
  readonly field: string;
  readonly how: "lost" | "altered";
}

/** How looking for what was sent ended. Durations are milliseconds from the POST. */
export type BackendReadBack =
  /** Not accepted, or the backend does not tell. */
  | { readonly kind: "none" }
  | { readonly kind: "complete"; readonly lagMs: number; readonly differences: readonly FieldDifference[] }
  | { readonly kind: "incomplete"; readonly waitedMs: number; readonly missing: readonly string[] }
  | { readonly kind: "absent"; readonly waitedMs: number }
  | { readonly kind: "refused"; readonly exchange: Exchange };

/** All that one run saw. */
export interface BackendEvidence {
  /** Null: it went another way than by HTTP. */
  readonly post: Exchange | null;
  readonly readBack: BackendReadBack;
  /** Lags of earlier runs. */
  readonly lags: LagHistory;
  /** An earlier one that was looked for again: how long after its POST it was there, or still was not. */
  readonly earlier: { readonly seen: boolean; readonly afterMs: number } | null;
  /** Deletions that were not taken. */
  readonly undeleted: number;
}
