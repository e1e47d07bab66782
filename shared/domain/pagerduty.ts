export const pagerDutySeverities = ["critical", "error", "warning", "info"] as const;
export type PagerDutySeverity = (typeof pagerDutySeverities)[number];

/** What PagerDuty shows of an alert; the names are those of its common event format. */
export interface PagerDutyAlert {
  /** At most 1,024 characters. */
  readonly summary: string;
  /** What is affected. */
  readonly source: string;
  readonly severity: PagerDutySeverity;
  /** Unix milliseconds. */
  readonly at: number;
  readonly component: string;
  readonly group: string;
  readonly class: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly href: string; readonly text: string }[];
}

/** One event about the alert that `dedupKey` (at most 255 characters) names. */
export type PagerDutyEvent =
  | { readonly action: "trigger"; readonly dedupKey: string; readonly alert: PagerDutyAlert }
  | { readonly action: "acknowledge" | "resolve"; readonly dedupKey: string };

/** Sends an event to a service of PagerDuty's. Sent again it changes nothing, so that a lost answer is no harm. */
export type SendToPagerDuty = (event: PagerDutyEvent) => Promise<void>;
