import type { Labels } from "./series.ts";

/** One alert as a notification of Alertmanager's tells it. Texts come from outside and are hostile. */
export interface ReceivedAlert {
  readonly status: "firing" | "resolved";
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Unix milliseconds; null where the message's format has no times. */
  readonly startsAt: number | null;
  /** When it resolved; null while it fires. */
  readonly endsAt: number | null;
  readonly generatorUrl: string;
}

export interface ReceivedAlerts {
  /** The target that the message names; null where its format cannot. */
  readonly target: string | null;
  /** The message was cut or damaged: these are the alerts that were whole. */
  readonly truncated: boolean;
  readonly alerts: readonly ReceivedAlert[];
}

/** Labels or annotations of pairs; half characters, which no store would take, become U+FFFD. */
export function toLabels(pairs: Iterable<readonly [string, string]>): Labels {
  return Object.fromEntries(
    [...pairs].map(([name, value]) => [name.toWellFormed(), value.toWellFormed()] as const),
  );
}

const goTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|[+-]\d\d:?\d\d)/;

/** A time as Go writes it, in RFC 3339 or by its String, in Unix milliseconds. Go's zero time is none. */
export function parseGoTime(text: string): number | null {
  const [, date, time, fraction = "", zone] = goTime.exec(text) ?? [];
  if (!date || !time || !zone) return null;
  const offset = zone === "Z" ? zone : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const at = Date.parse(`${date}T${time}.${fraction.padEnd(3, "0").slice(0, 3)}${offset}`);
  return at > 0 ? at : null;
}

/** The alert that always fires: when it is no longer heard of, rules, Alertmanager or the way to us are broken. */
export const watchdogAlert = "Watchdog";
