import type { Labels } from "../../../shared/domain/series.ts";
import { type Distribution, meanOf, sharesBelow } from "./distribution.ts";

export type FamilyType = "counter" | "gauge" | "histogram";

/** One series of a family as a function of its target's state; undefined where it is not exposed (yet). */
interface Cell<State> {
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: (state: State) => number | undefined;
}

/** A metric family of one target. Families of one name are merged when the target is built. */
export interface Family<State> {
  readonly name: string;
  readonly type: FamilyType;
  readonly cells: readonly Cell<State>[];
}

type Value<State> = (state: State) => number | undefined;

export function gauge<State>(name: string, labels: Labels, value: Value<State>): Family<State> {
  return { name, type: "gauge", cells: [{ suffix: "", labels, value }] };
}

/** A counter of whole things: the part of a thing that is under way does not count yet. */
export function counter<State>(name: string, labels: Labels, value: Value<State>): Family<State> {
  const whole = (state: State) => {
    const amount = value(state);
    return amount === undefined ? undefined : Math.floor(amount);
  };
  return { name, type: "counter", cells: [{ suffix: "", labels, value: whole }] };
}

/** A counter of amounts, such as seconds or dollars. */
export function amount<State>(name: string, labels: Labels, value: (state: State) => number): Family<State> {
  return {
    name,
    type: "counter",
    cells: [{ suffix: "", labels, value: (state) => round(value(state), 6) }],
  };
}

/** Several series of one counter that differ in one label. */
export function counters<State>(
  name: string,
  label: string,
  values: Readonly<Record<string, Value<State>>>,
  labels: Labels = {},
): Family<State>[] {
  return Object.entries(values).map(([key, value]) => counter(name, { ...labels, [label]: key }, value));
}

export interface HistogramShape<State> {
  readonly bounds: readonly number[];
  /** How a bound is written: Python's client writes 1.0 where Go and Envoy write 1. */
  readonly writeBound?: (bound: number) => string;
  /** One distribution for each kind of event… */
  readonly kinds: readonly Distribution[];
  /** …and how many of each kind there were. */
  readonly counts: (state: State) => readonly number[];
  /** Where the sum is known better than from the distributions. */
  readonly sum?: (state: State) => number;
}

/**
 * A classic histogram. Every bucket is the floor of the same non-decreasing counts times fixed shares, so
 * buckets are cumulative, never go backwards, and the last one is the count.
 */
export function histogram<State>(name: string, labels: Labels, shape: HistogramShape<State>): Family<State> {
  const { kinds, counts, writeBound = String } = shape;
  const bounds = [...shape.bounds, Number.POSITIVE_INFINITY];
  const shares = kinds.map((kind) => sharesBelow(kind, bounds));
  const means = kinds.map(meanOf);
  const weigh = (state: State, weights: readonly number[]) =>
    counts(state).reduce((total, count, kind) => total + count * (weights[kind] ?? 0), 0);
  const buckets = bounds.map((bound, index) => {
    const weights = shares.map((share) => share[index] ?? 0);
    return {
      suffix: "_bucket",
      labels: { ...labels, le: bound === Number.POSITIVE_INFINITY ? "+Inf" : writeBound(bound) },
      value: (state: State) => Math.floor(weigh(state, weights)),
    };
  });
  const ones = kinds.map(() => 1);
  return {
    name,
    type: "histogram",
    cells: [
      ...buckets,
      { suffix: "_count", labels, value: (state) => Math.floor(weigh(state, ones)) },
      { suffix: "_sum", labels, value: shape.sum ?? ((state) => round(weigh(state, means), 4)) },
    ],
  };
}

export function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

/** How Python's client writes a number in a label. */
export function pythonNumber(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
