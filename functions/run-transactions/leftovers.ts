import type { Langfuse, ReadPath } from "../../shared/adapters/langfuse.ts";
import { isJsonOk } from "../../shared/domain/transactions/exchange.ts";
import { type LangfusePlan, langfuseBudget } from "../../shared/domain/transactions/langfuse-budget.ts";
import type { LangfuseEvidence } from "../../shared/domain/transactions/langfuse-evidence.ts";
import { probeUser } from "../../shared/domain/transactions/planned-trace.ts";
import type { Looked } from "./trace.ts";
import { countDelete, deletesLeft, type PendingTrace, type TraceMemory } from "./trace-memory.ts";

interface LeftoverOptions {
  readonly plan: LangfusePlan;
  readonly environment: string;
}

interface LeftoverDeps {
  readonly langfuse: Langfuse;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** A deletion takes about 5.5 s; after this the next run looks again. */
const goneWithin = 20_000;
/** A deletion that was accepted so long ago and is not done is stuck. */
const stuckAfter = 60_000;
/** Another run may still be waiting for a trace that is younger. */
const abandonedAfter = 3_600_000;
/** A trace that nobody ever saw in a day was never ingested, and will not be. */
const forgottenAfter = 24 * 3_600_000;
/** A POST that hung or broke off has most likely come to nothing. If not, the trace is found by asking. */
const doubtfulAfter = 10 * 60_000;
const lookBack = 7 * 24 * 3_600_000;
/** Of those that are found by asking: enough to catch up, few enough to leave deletions for the probe. */
const mostAtOnce = 5;

/** The traces that must be gone in the end: this run's, those of earlier ones, and those of runs that crashed. */
export class Leftovers {
  readonly #options: LeftoverOptions;
  readonly #deps: LeftoverDeps;
  #memory: TraceMemory;

  constructor(options: LeftoverOptions, deps: LeftoverDeps, memory: TraceMemory) {
    this.#options = options;
    this.#deps = deps;
    this.#memory = memory;
  }

  memory(): Pick<TraceMemory, "pending" | "deletes"> {
    return { pending: this.#memory.pending, deletes: this.#memory.deletes };
  }

  /** Whether a trace can also be deleted again today. */
  mayCreate(path: ReadPath): boolean {
    return this.#deletesLeft(path) > 0;
  }

  add(traceId: string, sentAt: number): void {
    const pending = { traceId, sentAt, accepted: false, deletedAt: null };
    this.#memory = { ...this.#memory, pending: [...this.#memory.pending, pending] };
  }

  accept(traceId: string): void {
    this.#change(traceId, (one) => ({ ...one, accepted: true }));
  }

  forget(traceId: string): void {
    this.#memory = {
      ...this.#memory,
      pending: this.#memory.pending.filter((one) => one.traceId !== traceId),
    };
  }

  /** Deletions that were accepted and are not carried out. */
  stuck(): number {
    return this.#stuck().length;
  }

  #stuck(): readonly PendingTrace[] {
    const now = this.#deps.now();
    return this.#memory.pending.filter(
      ({ deletedAt }) => deletedAt !== null && now - deletedAt >= stuckAfter,
    );
  }

  /**
   * Deletes what can be read of this run's trace and of all others, and waits until it is gone. What cannot be
   * read is never deleted: that would do nothing. Answers what became of the oldest trace that an earlier run
   * did not see.
   */
  async clear(traceId: string, { path, visible }: Looked): Promise<LangfuseEvidence["earlier"]> {
    if (visible) await this.#delete(traceId, path);
    for (const stuck of this.#stuck()) await this.#delete(stuck.traceId, path);
    const earlier = await this.#lookAgain(traceId, path);
    await this.#deleteAbandoned(path);
    await this.#waitUntilGone(path);
    return earlier;
  }

  async #lookAgain(own: string, path: ReadPath): Promise<LangfuseEvidence["earlier"]> {
    const { langfuse, now, sleep } = this.#deps;
    let earlier: LangfuseEvidence["earlier"] = null;
    const others = this.#memory.pending.filter((one) => one.traceId !== own && one.deletedAt === null);
    for (const { traceId, sentAt, accepted } of others.slice(0, mostAtOnce)) {
      await sleep(this.#pause(path));
      const answer = await langfuse.read(path, traceId);
      if (answer.kind !== "trace" && answer.kind !== "nothing") continue;
      const seen = answer.kind === "trace";
      if (accepted) earlier ??= { seen, afterMs: now() - sentAt };
      if (seen) await this.#delete(traceId, path);
      else if (now() - sentAt >= (accepted ? forgottenAfter : doubtfulAfter)) this.forget(traceId);
    }
    return earlier;
  }

  /** What this environment has of the probe's user from before, whoever made it: state may have been lost. */
  async #deleteAbandoned(path: ReadPath): Promise<void> {
    const { langfuse, now, sleep } = this.#deps;
    await sleep(this.#pause(path));
    const at = now();
    const { environment } = this.#options;
    const listed = await langfuse.list(path, {
      userId: probeUser,
      environment,
      from: at - lookBack,
      to: at - abandonedAfter,
    });
    const known = new Set(this.#memory.pending.map(({ traceId }) => traceId));
    for (const { traceId, at: sentAt } of (listed ?? [])
      .filter((one) => !known.has(one.traceId))
      .slice(0, mostAtOnce)) {
      this.add(traceId, sentAt);
      await this.#delete(traceId, path);
    }
  }

  async #waitUntilGone(path: ReadPath): Promise<void> {
    const { langfuse, now, sleep } = this.#deps;
    const until = now() + goneWithin;
    const waiting = () => this.#memory.pending.filter(({ deletedAt }) => deletedAt !== null);
    while (waiting().length > 0 && now() < until) {
      for (const { traceId } of waiting()) {
        await sleep(Math.max(this.#pause(path), 1_000));
        const answer = await langfuse.read(path, traceId);
        if (answer.kind === "nothing") this.forget(traceId);
      }
    }
  }

  async #delete(traceId: string, path: ReadPath): Promise<void> {
    if (this.#deletesLeft(path) <= 0) return;
    const { langfuse, now } = this.#deps;
    this.#memory = countDelete(this.#memory, now());
    const answer = await langfuse.remove(traceId);
    if (!isJsonOk(answer)) return;
    this.#change(traceId, (one) => ({ ...one, deletedAt: one.deletedAt ?? now() }));
  }

  #change(traceId: string, change: (one: PendingTrace) => PendingTrace): void {
    const pending = this.#memory.pending.map((one) => (one.traceId === traceId ? change(one) : one));
    this.#memory = { ...this.#memory, pending };
  }

  #deletesLeft(path: ReadPath): number {
    const { plan } = this.#options;
    return deletesLeft(this.#memory, langfuseBudget(plan, path).deletesPerDay, this.#deps.now());
  }

  /** Self-hosted there is no limit, and no reason to wait. */
  #pause(path: ReadPath): number {
    const { plan } = this.#options;
    return plan === "self-hosted" ? 0 : langfuseBudget(plan, path).polls.shortest;
  }
}
