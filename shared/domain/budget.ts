/** What is left of an SLO's error budget. */
export interface Budget {
  /** Share of the period's budget: 1 is all of it, below 0 it is overspent. */
  readonly left: number;
  /** At the present burn rate, in milliseconds; null where it is not shrinking. */
  readonly exhaustedIn: number | null;
  /** When it was asked, Unix milliseconds. */
  readonly at: number;
}
