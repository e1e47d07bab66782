import { unquote } from "../../shared/domain/go-quote.ts";
import type { Labels } from "../../shared/domain/series.ts";

/** What a series is at one interval: a value, the end of the series, or nothing (null). */
export type SeriesValue = number | "stale" | null;

const identifier = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const text = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y;
const blank = /\s*/y;

/** Labels in PromQL's notation: `up{job="vllm"}`, `{}`. Throws an Error that says where it stops making sense. */
export function parseSeries(notation: string): Labels {
  const labels: Record<string, string> = {};
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(notation);
    if (match) at = pattern.lastIndex;
    return match?.[0] ?? null;
  };
  const fail = (): never => {
    const rest = notation.slice(at, at + 20);
    throw new Error(
      `${JSON.stringify(notation)} is not a series: unexpected ${rest ? JSON.stringify(rest) : "end"}`,
    );
  };
  const expect = (char: string) => {
    take(blank);
    if (notation[at] !== char) fail();
    at += 1;
  };
  const skip = (char: string): boolean => {
    take(blank);
    if (notation[at] !== char) return false;
    at += 1;
    return true;
  };
  take(blank);
  const name = take(identifier);
  if (name !== null) labels.__name__ = name;
  if (skip("{")) {
    while (!skip("}")) {
      const quoted = take(text);
      const label = quoted === null ? (take(identifier) ?? fail()) : unquote(quoted);
      // A quoted name alone is the metric's.
      if (quoted !== null && !/^\s*=/.test(notation.slice(at))) labels.__name__ = label;
      else {
        expect("=");
        take(blank);
        labels[label] = unquote(take(text) ?? fail());
      }
      if (!skip(",") && !/^\s*\}/.test(notation.slice(at))) fail();
    }
  } else if (name === null) fail();
  take(blank);
  if (at < notation.length) fail();
  return labels;
}

const number = "(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|[iI][nN][fF]|[nN][aA][nN]";
const item = new RegExp(`^([+-]?(?:${number})|_|stale)([+-](?:${number}))?(?:x(\\d+))?$`);

/** A test file is meant to be read by people; this is a slip of the keyboard. */
const most = 1_000_000;

/** `1+2x3 _x2 stale NaN` as its values, one for each interval. Throws an Error that names the item. */
export function expandValues(notation: string): SeriesValue[] {
  const values: SeriesValue[] = [];
  for (const word of notation.split(/\s+/).filter((part) => part !== "")) {
    if (word.startsWith("{{")) throw new Error("native histograms are not supported");
    const match = item.exec(word);
    const [, first = "", step, times] = match ?? [];
    const special = first === "_" || first === "stale";
    if (!match || (step !== undefined && (times === undefined || special)))
      throw new Error(`"${word}" is not a value such as 5, 1+2x10, _x3, stale, NaN or -Inf`);
    const count = Number(times ?? 0);
    if (values.length + count > most) throw new Error(`"${word}" makes more than ${most} samples`);
    if (first === "_") for (let i = 0; i < Math.max(1, count); i++) values.push(null);
    else if (first === "stale") for (let i = 0; i <= count; i++) values.push("stale");
    else {
      // Added up one by one, as promtool does: the rounding is part of the value.
      let value = parseNumber(first);
      for (let i = 0; i <= count; i++) {
        values.push(value);
        value += step === undefined ? 0 : parseNumber(step);
      }
    }
  }
  return values;
}

/** A sample's value as test files write it; throws an Error where it is none. */
export function parseNumber(written: string): number {
  const [, sign, infinite, nan] = /^([+-]?)(?:(inf(?:inity)?)|(nan))$/i.exec(written) ?? [];
  if (nan) return Number.NaN;
  if (infinite) return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(written) ? Number(written) : Number.NaN;
  if (Number.isNaN(value)) throw new Error(`"${written}" is not a number`);
  return value;
}
