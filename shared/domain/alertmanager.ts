import type { Labels } from "./series.ts";

/** One alert as Alertmanager tells it. Times are Unix milliseconds. All text is hostile. */
export interface ReceivedAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: number | null;
  readonly endsAt: number | null;
  readonly generatorUrl: string;
}
