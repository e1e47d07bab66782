import type {
  BackendEvidence,
  BackendReadBack,
  FieldDifference,
} from "../../shared/domain/transactions/backends/backend-evidence.ts";
import { isAccepted, wasNeverTaken } from "../../shared/domain/transactions/backends/diagnose-backend.ts";
import type { Exchange } from "../../shared/domain/transactions/exchange.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import { addLag, quantile, slowAbove } from "../../shared/domain/transactions/lag-history.ts";
import { basePause, nextPause, type PollLimits } from "../../shared/domain/transactions/poll-plan.ts";
import type {
  Measure,
  TransactionContext,
  TransactionResult,
} from "../../shared/domain/transactions/transaction.ts";
import { type BackendMemory, isForgotten, type PendingSent, readBackendMemory } from "./backend-memory.ts";

/** What one look brought. */
export type Look =
  | { readonly kind: "complete"; readonly differences: readonly FieldDifference[] }
  | { readonly kind: "incomplete"; readonly missing: readonly string[] }
  | { readonly kind: "nothing" }
  | { readonly kind: "refused"; readonly exchange: Exchange };

/** Something that is sent to a backend and looked for there. */
export interface RoundTrip {
  readonly sent: Omit<PendingSent, "accepted">;
  /** Null: it left by another way than HTTP, and nobody answered. */
  readonly send: () => Promise<Exchange | null>;
  /** Null: the backend tells nothing back. */
  readonly look: ((of: PendingSent) => Promise<Look>) | null;
  /** Whether it is gone, or will be. Null: the backend deletes nothing. */
  readonly remove: ((of: PendingSent) => Promise<boolean>) | null;
  readonly polls: PollLimits;
  readonly patience: number;
  readonly diagnose: (evidence: BackendEvidence) => readonly Finding[];
  readonly request: string;
  readonly backend: string;
  readonly environment: string;
  /** What becomes of it. */
  readonly afterwards: string;
}

export interface RoundTripDeps {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Of those that are looked for again: the oldest, and few, so that reads stay in bounds. */
const mostAtOnce = 5;

/** Sends, looks until it is there, compares, clears up. Throws only where Sonde itself is at fault. */
export async function runRoundTrip(
  trip: RoundTrip,
  deps: RoundTripDeps,
  { memory, remember }: TransactionContext,
): Promise<TransactionResult> {
  const before = readBackendMemory(memory);
  const own: PendingSent = { ...trip.sent, accepted: false };
  // Known before it exists: whatever happens from here on, a later run looks for it.
  if (trip.look) await remember({ ...before, pending: [...before.pending, own] });

  const post = await trip.send();
  const nothing = { post, lags: before.lags, earlier: null, undeleted: 0 };
  if (post !== null && !isAccepted(post)) {
    const left = trip.look && !wasNeverTaken(post) ? [own] : [];
    const evidence: BackendEvidence = { ...nothing, readBack: { kind: "none" } };
    return report(trip, evidence, { ...before, pending: [...before.pending, ...left] });
  }
  if (!trip.look) return report(trip, { ...nothing, readBack: { kind: "none" } }, before);

  const taken: PendingSent = { ...own, accepted: true };
  const readBack = await lookFor(taken, trip, trip.look, before, deps);
  const again = await lookAgain(before.pending, trip, trip.look, deps);
  const removed = await removeSeen(taken, readBack, trip);
  const pending = [...again.pending, ...(removed === "gone" ? [] : [taken])];
  const lags = readBack.kind === "complete" ? [...addLag(before.lags, readBack.lagMs)] : before.lags;
  const undeleted = again.undeleted + (removed === "refused" ? 1 : 0);
  const evidence: BackendEvidence = { ...nothing, readBack, earlier: again.earlier, undeleted };
  return report(trip, evidence, { lags, pending });
}

/** Looks first often, then less so, until all of it is there or patience is at an end. */
async function lookFor(
  own: PendingSent,
  { polls, patience }: RoundTrip,
  look: NonNullable<RoundTrip["look"]>,
  { lags }: BackendMemory,
  { now, sleep }: RoundTripDeps,
): Promise<BackendReadBack> {
  const base = basePause(lags, polls);
  const until = own.sentAt + Math.min(patience, 2 * (slowAbove(lags) ?? patience));
  let missing: readonly string[] | null = null;
  for (;;) {
    const passed = now() - own.sentAt;
    await sleep(Math.min(nextPause(passed, base), Math.max(polls.shortest, until - now())));
    const seen = await look(own);
    const waitedMs = now() - own.sentAt;
    if (seen.kind === "complete") return { kind: "complete", lagMs: waitedMs, differences: seen.differences };
    if (seen.kind === "incomplete") missing = seen.missing;
    const refusal = seen.kind === "refused" ? seen.exchange : null;
    if (now() < until && (!refusal || isPassing(refusal))) continue;
    if (refusal) return { kind: "refused", exchange: refusal };
    return missing ? { kind: "incomplete", waitedMs, missing } : { kind: "absent", waitedMs };
  }
}

/** A server that stumbles once may be well a moment later. */
function isPassing(exchange: Exchange): boolean {
  return exchange.kind === "failed" ? exchange.fault !== "credentials" : exchange.status >= 500;
}

/** What earlier runs did not see, or could not delete. */
async function lookAgain(
  pending: readonly PendingSent[],
  trip: RoundTrip,
  look: NonNullable<RoundTrip["look"]>,
  { now, sleep }: RoundTripDeps,
): Promise<Pick<BackendEvidence, "earlier" | "undeleted"> & Pick<BackendMemory, "pending">> {
  const kept: PendingSent[] = [...pending.slice(mostAtOnce)];
  let earlier: BackendEvidence["earlier"] = null;
  let undeleted = 0;
  for (const one of pending.slice(0, mostAtOnce)) {
    await sleep(trip.polls.shortest);
    const answer = await look(one);
    if (answer.kind === "refused") {
      kept.push(one);
      continue;
    }
    const seen = answer.kind !== "nothing";
    if (one.accepted) earlier ??= { seen, afterMs: now() - one.sentAt };
    if (!seen && !isForgotten(one, now())) kept.push(one);
    if (!seen || !trip.remove) continue;
    if (await trip.remove(one)) continue;
    undeleted += 1;
    if (!isForgotten(one, now())) kept.push(one);
  }
  return { earlier, undeleted, pending: kept };
}

async function removeSeen(
  own: PendingSent,
  { kind }: BackendReadBack,
  { remove }: RoundTrip,
): Promise<"gone" | "refused" | "unseen"> {
  if (kind !== "complete" && kind !== "incomplete") return "unseen";
  if (!remove) return "gone";
  return (await remove(own)) ? "gone" : "refused";
}

function report(trip: RoundTrip, evidence: BackendEvidence, memory: BackendMemory): TransactionResult {
  const { post, readBack } = evidence;
  const findings = trip.diagnose(evidence);
  const lagMs = readBack.kind === "complete" ? readBack.lagMs : null;
  const acceptMs = isAccepted(post) ? post.tookMs : null;
  return {
    findings,
    value: inSeconds(lagMs ?? (trip.look ? null : acceptMs)),
    says: says(trip, evidence),
    labels: { backend: trip.backend, environment: trip.environment },
    request: trip.request,
    measures: measuresOf(evidence, memory, acceptMs, lagMs),
    leftovers: memory.pending.map(({ traceId }) => traceId),
    memory,
  };
}

function says(trip: RoundTrip, { post, readBack }: BackendEvidence): string {
  if (readBack.kind === "complete")
    return `visible and complete after ${(readBack.lagMs / 1000).toFixed(1)} s; ${trip.afterwards}`;
  if (trip.look === null && isAccepted(post)) return `accepted; ${trip.afterwards}`;
  return "";
}

function measuresOf(
  { readBack }: BackendEvidence,
  { lags, pending }: BackendMemory,
  acceptMs: number | null,
  lagMs: number | null,
): Measure[] {
  const fields = readBack.kind === "complete" ? readBack.differences : null;
  const count = (how: "lost" | "altered") => fields?.filter((one) => one.how === how).length ?? null;
  const measures: readonly (readonly [name: string, value: number | null])[] = [
    ["accept_seconds", inSeconds(acceptMs)],
    ["lag_seconds", inSeconds(lagMs)],
    ["lag_p50_seconds", inSeconds(quantile(lags, 0.5))],
    ["lag_p95_seconds", inSeconds(quantile(lags, 0.95))],
    ["fields_lost", count("lost")],
    ["fields_altered", count("altered")],
    ["leftovers", pending.length],
  ];
  return measures.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
}

function inSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
