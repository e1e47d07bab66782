export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  /** Milliseconds: the n-th pause is random up to base · 2ⁿ⁻¹, and never above the cap. */
  readonly baseMs: number;
  readonly capMs: number;
  /** A server that asks for a longer pause than this is not asked again. */
  readonly maxRetryAfterMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 3,
  baseMs: 200,
  capMs: 5_000,
  maxRetryAfterMs: 30_000,
};

export interface RetryDeps {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unix milliseconds by which everything must be over. */
  readonly deadline: () => number;
}

/** One attempt: its value, or what went wrong and whether trying again can help. */
export type Attempt<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & Failure);
export interface Failure {
  readonly error: Error;
  readonly transient: boolean;
  /** What the server asked for. */
  readonly retryAfterMs?: number;
}

/** The first success, or the last failure with the number of attempts it took. */
export async function withRetries<T>(
  policy: RetryPolicy,
  deps: RetryDeps,
  attempt: () => Promise<Attempt<T>>,
): Promise<{ readonly outcome: Attempt<T>; readonly attempts: number }> {
  for (let attempts = 1; ; attempts += 1) {
    const outcome = await attempt();
    if (outcome.ok || !outcome.transient || attempts >= policy.attempts) return { outcome, attempts };
    const pause = pauseAfter(policy, attempts, deps.random(), outcome.retryAfterMs);
    if (pause === undefined || deps.now() + pause >= deps.deadline()) return { outcome, attempts };
    await deps.sleep(pause);
  }
}

/**
 * Milliseconds to wait after the given attempt (1 is the first), with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). Retry-After comes on top, so
 * that many callers do not come back in the same instant. Undefined when the server asks for too long.
 */
export function pauseAfter(
  policy: RetryPolicy,
  attempt: number,
  random: number,
  retryAfterMs = 0,
): number | undefined {
  if (retryAfterMs > policy.maxRetryAfterMs) return undefined;
  return retryAfterMs + Math.round(random * Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1)));
}

/** Milliseconds from a Retry-After header: seconds, or an HTTP date. Undefined when there is none to read. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
