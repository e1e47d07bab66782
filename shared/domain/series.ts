/** Label names and values as Prometheus has them. Values come from outside and are hostile input. */
export type Labels = Readonly<Record<string, string>>;

/** One sample: Unix time in milliseconds and the value, NaN and the infinities included. */
export interface Sample {
  readonly t: number;
  readonly v: number;
}

/** One series of a range answer; samples ascend in time. */
export interface Series {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

/** One series of an instant answer. `sample.t` is the evaluation time, not the time of the scrape. */
export interface InstantSeries {
  readonly labels: Labels;
  readonly sample: Sample;
}

/**
 * The identity of a series: its labels without `__name__`, in a form that is equal exactly when the labels
 * are. JSON keeps hostile values (quotes, commas, newlines) apart; a label called `__proto__` does not survive
 * being stored, and so says nothing.
 */
export function seriesKey(labels: Labels): string {
  const entries = Object.entries(labels)
    .filter(([name, value]) => name !== "__name__" && name !== "__proto__" && value !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}

/** The labels without the metric's name, as a probe's answer shows them. */
export function withoutName(labels: Labels): Labels {
  const { __name__: _, ...rest } = labels;
  return rest;
}
