import type { WrittenSample, WrittenSeries } from "../../shared/adapters/remote-write.ts";
import type { Labels, Series } from "../../shared/domain/series.ts";

/** One sample of a rule's result at one evaluation. */
export interface RuleSample {
  readonly labels: Labels;
  readonly value: number;
}

/** An answer of a range query, turned round: what an evaluation at each time would have seen. */
export function samplesByTime(answer: readonly Series[]): ReadonlyMap<number, readonly RuleSample[]> {
  const byTime = new Map<number, RuleSample[]>();
  for (const { labels, samples } of answer) {
    for (const { t, v } of samples) {
      const there = byTime.get(t);
      if (there) there.push({ labels, value: v });
      else byTime.set(t, [{ labels, value: v }]);
    }
  }
  return byTime;
}

/**
 * Collects what a rule gives at one evaluation after another. As a rule group does, it ends a series with a
 * staleness marker where the next evaluation no longer has it.
 */
export function buildOutput() {
  let alive = new Map<string, Labels>();
  let pending = new Map<string, { labels: Labels; samples: WrittenSample[] }>();
  const add = (key: string, labels: Labels, sample: WrittenSample) => {
    const there = pending.get(key);
    if (there) there.samples.push(sample);
    else pending.set(key, { labels, samples: [sample] });
  };
  return {
    /** Throws where two samples have the same labels, which no server would store. */
    evaluated(t: number, samples: readonly RuleSample[]): void {
      const now = new Map<string, Labels>();
      for (const { labels, value } of samples) {
        const key = outputKey(labels);
        if (now.has(key))
          throw new Error("vector contains metrics with the same labelset after applying the rule's labels");
        now.set(key, labels);
        add(key, labels, { t, v: value });
      }
      for (const [key, labels] of alive) if (!now.has(key)) add(key, labels, { t, v: "stale" });
      alive = now;
    },
    /** What has come together since the last call, to be written. */
    take(): WrittenSeries[] {
      const taken = [...pending.values()];
      pending = new Map();
      return taken;
    },
  };
}

/** Unlike a probe's series, a rule's output is told apart by its name too. */
function outputKey(labels: Labels): string {
  const entries = Object.entries(labels).filter(([, value]) => value !== "");
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
