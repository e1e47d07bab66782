import { parseDuration } from "../duration.ts";
import type { Probe } from "../probe.ts";
import type { Bounds } from "./compiled.ts";
import type { TransactionKind } from "./transaction.ts";

/** What config says of any transaction. */
export interface TransactionFields {
  readonly every?: string | undefined;
  readonly for?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly runbook?: string | undefined;
  readonly dashboard?: string | undefined;
}

/** The probe by which a transaction's verdicts become incidents. */
export function transactionProbe(
  id: string,
  kind: TransactionKind,
  request: string,
  every: number,
  config: TransactionFields,
): Probe {
  const waits = config.for ? parseDuration(config.for) : 0;
  return {
    id,
    kind,
    variants: [{ query: request, guard: { kind: "none" } }],
    aliases: {},
    unit: "seconds",
    levels: [
      { level: "warn", when: "any", for: waits, keepFiringFor: 0 },
      { level: "fail", when: "any", for: waits, keepFiringFor: 0 },
    ],
    every,
    step: every,
    noData: "unknown",
    staleAfter: 2 * every,
    labels: config.labels ?? {},
    // Without a text of its own an incident says what the verdict's reason says: cause and fix.
    summary: "",
    description: "",
    runbook: config.runbook ?? "",
    dashboard: config.dashboard ?? "",
    playbook: "",
    source: { kind: "config" },
  };
}

export function parseBounds(bounds: { warn?: string | undefined; fail?: string | undefined } = {}): Bounds {
  const { warn, fail } = bounds;
  return {
    warn: warn === undefined ? null : parseDuration(warn),
    fail: fail === undefined ? null : parseDuration(fail),
  };
}
