import pLimit from "p-limit";

import { guardSelectors } from "../../shared/domain/aliases.ts";
import { planWindow, type Window } from "../../shared/domain/detection.ts";
import type { ProbeAnswer } from "../../shared/domain/evaluate.ts";
import { absentIsNone, isSlo } from "../../shared/domain/fold-slo.ts";
import { freshnessQuery, type NewestSamples, readFreshness } from "../../shared/domain/freshness.ts";
import type { Guard, Probe } from "../../shared/domain/probe.ts";
import { type Answer, PrometheusError, type QueryRange } from "../../shared/domain/prometheus.ts";
import type { Series } from "../../shared/domain/series.ts";
import { readBudget } from "../../shared/domain/slo.ts";
import type { BudgetState, ProbeState } from "../../shared/domain/state.ts";

/** A probe whose names are settled for one target, or the reason why they cannot be. */
export type ResolvedProbe =
  | { readonly probe: Probe; readonly query: string; readonly guard: Guard; readonly budget?: string }
  | { readonly probe: Probe; readonly missing: string }
  | { readonly probe: Probe; readonly failed: string };

/** The answers of the probes that were due, and what asking cost. */
export interface Asked {
  readonly answers: ReadonlyMap<string, ProbeAnswer>;
  readonly queries: number;
  readonly samplesProcessed: number;
  readonly notices: readonly string[];
}

export interface AskOptions {
  readonly queryRange: QueryRange;
  /** Unix milliseconds up to which the target's data is settled. */
  readonly end: number;
  readonly states: Readonly<Record<string, ProbeState>>;
  readonly concurrency?: number;
}

/** Enough to hide the network's latency, few enough not to crowd the dashboards out of a small Prometheus. */
const defaultConcurrency = 10;
/** An error budget of weeks changes slowly, and asking for it can be dear. */
const budgetEvery = 3_600_000;
/** Selectors asked for in one freshness query. */
const guardsPerQuery = 20;

/** Asks one target everything that is due: equal queries once, and freshness shared between probes. */
export async function askProbes(resolved: readonly ResolvedProbe[], options: AskOptions): Promise<Asked> {
  const answers = new Map<string, ProbeAnswer>();
  const due: DueProbe[] = [];
  for (const one of resolved) {
    if ("missing" in one) answers.set(one.probe.id, unanswered(one.probe, "missing", one.missing));
    else if ("failed" in one) answers.set(one.probe.id, unanswered(one.probe, "query-failed", one.failed));
    else {
      const stored = options.states[one.probe.id];
      const state = stored?.query === one.query ? stored : undefined;
      const window = planWindow(one.probe, state, options.end);
      const { budget, ...asked } = one;
      const askedAt = state?.budget?.at ?? Number.NEGATIVE_INFINITY;
      const isDue = budget !== undefined && options.end - askedAt >= budgetEvery;
      if (window) due.push({ ...asked, window, ...(isDue ? { budget } : {}) });
    }
  }
  const asker = buildAsker(options);
  const newest = askFreshness(due, asker.ask);
  await Promise.all(
    due.map(async (one) => {
      const { probe, query, guard, window } = one;
      try {
        const [series, seen, left] = await Promise.all([
          asker.ask(query, window),
          newest(guard, window),
          askBudget(one, asker.ask),
        ]);
        const budget = left ? { budget: left } : {};
        answers.set(probe.id, { kind: "answered", query, guard, window, series, newest: seen, ...budget });
      } catch (error) {
        if (!(error instanceof PrometheusError)) throw error;
        answers.set(probe.id, { kind: "unanswered", cause: "query-failed", query, reason: error.message });
      }
    }),
  );
  return { answers, ...asker.spent() };
}

interface DueProbe {
  readonly probe: Probe;
  readonly query: string;
  readonly guard: Guard;
  readonly window: Window;
  /** What asks for the error budget, in rounds in which that is due. */
  readonly budget?: string;
}

type Ask = (query: string, window: Window) => Promise<readonly Series[]>;

function unanswered(probe: Probe, cause: "missing" | "query-failed", reason: string): ProbeAnswer {
  return { kind: "unanswered", cause, query: probe.variants[0]?.query ?? "", reason };
}

/** Sends each different range query once, so many at a time, and counts. */
function buildAsker({ queryRange, concurrency = defaultConcurrency }: AskOptions) {
  const limit = pLimit(concurrency);
  const sent = new Map<string, Promise<Answer<Series[]>>>();
  let samplesProcessed = 0;
  const notices = new Set<string>();
  const ask: Ask = async (query, { start, end, step }) => {
    const key = `${start} ${end} ${step} ${query}`;
    let answer = sent.get(key);
    if (!answer) {
      answer = limit(() => queryRange({ query, start, end, step }));
      sent.set(key, answer);
      answer.then(
        (got) => {
          samplesProcessed += got.samplesProcessed ?? 0;
          for (const notice of got.notices) notices.add(notice);
        },
        () => undefined,
      );
    }
    return (await answer).data;
  };
  return { ask, spent: () => ({ queries: sent.size, samplesProcessed, notices: [...notices] }) };
}

/** What is left of an SLO's error budget. An answer that fails costs the budget for an hour, not the verdict. */
async function askBudget({ probe, query, window, budget }: DueProbe, ask: Ask): Promise<BudgetState | null> {
  if (!isSlo(probe) || budget === undefined) return null;
  const at = window.end;
  try {
    const series = await ask(budget, { ...window, start: at });
    return { at, left: readBudget(probe.slo, series, absentIsNone(probe.slo, query), at) };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    return { at, left: {} };
  }
}

/**
 * Plans the freshness queries of all due probes, a few selectors in each, and gives each guard its part. A
 * batch that fails is asked again one by one, so that one bad selector blinds its own probes alone.
 */
function askFreshness(due: readonly DueProbe[], ask: Ask) {
  const batches = new Map<string, Promise<NewestSamples>>();
  const windows = new Map<string, { window: Window; selectors: Set<string> }>();
  for (const { guard, window } of due) {
    const entry = windows.get(windowKey(window)) ?? { window, selectors: new Set() };
    for (const selector of guardSelectors(guard)) entry.selectors.add(selector);
    windows.set(windowKey(window), entry);
  }
  for (const [key, { window, selectors }] of windows) {
    const all = [...selectors];
    for (let from = 0; from < all.length; from += guardsPerQuery) {
      const batch = all.slice(from, from + guardsPerQuery);
      const answer = askBatch(batch, window, ask);
      for (const selector of batch) {
        batches.set(
          `${key} ${selector}`,
          answer.catch(() => askBatch([selector], window, ask)),
        );
      }
      // A rejection is met where the guard is read.
      answer.catch(() => undefined);
    }
  }
  return async (guard: Guard, window: Window): Promise<NewestSamples> => {
    const parts = await Promise.all(
      guardSelectors(guard).map((selector) => batches.get(`${windowKey(window)} ${selector}`)),
    );
    return new Map(parts.flatMap((part) => [...(part ?? [])]));
  };
}

async function askBatch(selectors: readonly string[], window: Window, ask: Ask): Promise<NewestSamples> {
  return readFreshness(selectors, await ask(freshnessQuery(selectors), window));
}

function windowKey({ start, end, step }: Window): string {
  return `${start} ${end} ${step}`;
}
