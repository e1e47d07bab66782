import type { Probe } from "../probe.ts";
import type { Labels } from "../series.ts";
import type { Finding } from "./finding.ts";

export const transactionKinds = ["trace", "log", "completion", "write-path", "alert-path"] as const;
export type TransactionKind = (typeof transactionKinds)[number];

/** A number about one run, for CloudWatch and Prometheus: `sonde_transaction_<name>`, in base units. */
export interface Measure {
  readonly name: string;
  readonly value: number;
}

export interface TransactionContext {
  /** What the transaction kept from its last run; null where there was none. Its own schema reads it. */
  readonly memory: unknown;
  /** Keeps something before the run is over, so that the next one knows of it if this one crashes. */
  readonly remember: (memory: unknown) => Promise<void>;
}

/** What one run did. A run that finds nothing wrong has no findings. */
export interface TransactionResult {
  readonly findings: readonly Finding[];
  /** The number that this transaction is about, in the probe's unit; null where it was not reached. */
  readonly value: number | null;
  /** What a well run says for itself: `visible after 1.3 s`. */
  readonly says: string;
  readonly labels: Labels;
  /** Where it went, as a person would write it: `POST https://…`. */
  readonly request: string;
  readonly measures: readonly Measure[];
  /** What this run or an earlier one has left behind and is not known to be gone. */
  readonly leftovers: readonly string[];
  readonly memory: unknown;
}

/** What config says of a transaction: all that machinery needs, whatever its kind. Durations are milliseconds. */
export interface TransactionPlan {
  readonly id: string;
  readonly kind: TransactionKind;
  /** The target whose incidents its verdicts belong to. */
  readonly target: string;
  /** Carries thresholds, labels and texts into incidents. Its `every` is the transaction's schedule. */
  readonly probe: Probe;
  /** For the whole run; who takes longer is cut off, and unknown. */
  readonly timeout: number;
}

/** A transaction that is ready to run. What goes wrong out there is a finding; only its own faults are thrown. */
export interface Transaction extends TransactionPlan {
  readonly run: (now: number, context: TransactionContext) => Promise<TransactionResult>;
}
