import { parseDuration } from "./duration.ts";
import { formatFloat, type GoValue } from "./go-format.ts";
import { goType, show, sprint, sprintf } from "./go-printf.ts";
import { compileGoRegexp } from "./go-regexp.ts";

/** A function of Prometheus's annotation templates; it throws an Error where Prometheus's would fail. */
export type TemplateFunction = (args: readonly GoValue[]) => GoValue;

const whyUnsupported: Readonly<Record<string, string>> = {
  query: "Sonde does not query while it writes a message",
  first: "there are no query results",
  value: "there are no query results",
  strvalue: "there are no query results",
  label: "there are no query results",
  sortByLabel: "there are no query results",
  externalURL: "Sonde has no Prometheus page to link to",
  pathPrefix: "Sonde has no Prometheus page to link to",
  args: "templates inside of templates",
  tmpl: "templates inside of templates",
  call: "",
  slice: "",
  js: "",
  now: "a message has no clock",
};

/** Prometheus has it, Sonde does not: the template is right, but a part of it cannot be filled in. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
  readonly what: string;

  constructor(what: string) {
    const why = whyUnsupported[what] ?? "";
    super(`unsupported: ${what}${why === "" ? "" : ` (${why})`}`);
    this.what = what;
  }
}

/** Whether Prometheus has such a function. */
export function isPrometheusFunction(name: string): boolean {
  return name === "and" || name === "or" || templateFunctions.has(name) || whyUnsupported[name] !== undefined;
}

/** Whether there is such a function; throws Unsupported for one that Prometheus has and Sonde does not. */
export function isTemplateFunction(name: string): boolean {
  if (whyUnsupported[name] !== undefined) throw new Unsupported(name);
  return isPrometheusFunction(name);
}

/** All but `and` and `or`, which evaluate no more of their arguments than they must. */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["not", ([value = null]) => !isTrue(value)],
  ["eq", ([first = null, ...rest]) => rest.some((other) => equal(first, other))],
  ["ne", ([a = null, b = null]) => !equal(a, b)],
  ["lt", ([a = null, b = null]) => less(a, b)],
  ["le", ([a = null, b = null]) => less(a, b) || equal(a, b)],
  ["gt", ([a = null, b = null]) => !(less(a, b) || equal(a, b))],
  ["ge", ([a = null, b = null]) => !less(a, b)],
  ["len", ([value = null]) => BigInt(length(value))],
  ["index", ([value = null, ...keys]) => keys.reduce(index, value)],
  ["print", sprint],
  ["println", (args) => `${args.map(show).join(" ")}\n`],
  ["printf", ([format = null, ...rest]) => sprintf(text(format), rest)],
  ["html", (args) => escapeHtml(sprint(args))],
  ["urlquery", (args) => escapeQuery(sprint(args))],
  ["title", ([value = null]) => title(text(value))],
  ["toUpper", ([value = null]) => mapRunes(text(value), (rune) => rune.toUpperCase())],
  ["toLower", ([value = null]) => mapRunes(text(value), (rune) => rune.toLowerCase())],
  ["match", ([pattern = null, value = null]) => compileGoRegexp(text(pattern)).matches(text(value))],
  [
    "reReplaceAll",
    ([pattern = null, replacement = null, value = null]) =>
      compileGoRegexp(text(pattern)).replaceAll(text(value), text(replacement)),
  ],
  ["safeHtml", ([value = null]) => text(value)],
  ["graphLink", ([value = null]) => `/graph?g0.expr=${escapeQuery(text(value))}&g0.tab=0`],
  ["tableLink", ([value = null]) => `/graph?g0.expr=${escapeQuery(text(value))}&g0.tab=1`],
  ["stripPort", ([value = null]) => splitHostPort(text(value))?.host ?? text(value)],
  ["stripDomain", ([value = null]) => stripDomain(text(value))],
  ["humanize", ([value = null]) => humanize(float(value))],
  ["humanize1024", ([value = null]) => humanize1024(float(value))],
  ["humanizeDuration", ([value = null]) => humanizeDuration(float(value))],
  ["humanizePercentage", ([value = null]) => `${short(float(value) * 100)}%`],
  ["humanizeTimestamp", ([value = null]) => humanizeTimestamp(float(value))],
  ["toTime", ([value = null]) => toTime(float(value))],
  ["parseDuration", ([value = null]) => parseDuration(text(value)) / 1000],
]);

/** How many arguments a function takes: at least, and at most. */
export function arity(name: string): readonly [number, number] {
  if (/^(?:and|or|index|printf)$/.test(name)) return [1, Number.POSITIVE_INFINITY];
  if (/^(?:print|println|html|urlquery)$/.test(name)) return [0, Number.POSITIVE_INFINITY];
  if (name === "eq") return [2, Number.POSITIVE_INFINITY];
  if (name === "reReplaceAll") return [3, 3];
  return /^(?:ne|lt|le|gt|ge|match)$/.test(name) ? [2, 2] : [1, 1];
}

export function isTrue(value: GoValue): boolean {
  if (typeof value === "number") return value !== 0;
  if (typeof value === "bigint") return value !== 0n;
  if (typeof value === "object") return value !== null && value.size > 0;
  return typeof value === "string" ? value !== "" : value;
}

function text(value: GoValue): string {
  if (typeof value === "string") return value;
  throw new Error(`wrong type for value; expected string; got ${goType(value)}`);
}

function float(value: GoValue): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return parseFloat64(value);
  throw new Error(`can't convert ${goType(value)} to float`);
}

function parseFloat64(value: string): number {
  const special = /^([+-]?)(?:(inf(?:inity)?)|(nan))$/i.exec(value);
  if (special?.[3]) return Number.NaN;
  if (special) return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const parsed = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isFinite(parsed)) throw new Error(`${JSON.stringify(value)} is not a number`);
  return parsed;
}

function comparable(a: GoValue, b: GoValue): void {
  if (typeof a !== typeof b || typeof a === "object") throw new Error("incompatible types for comparison");
}

function equal(a: GoValue, b: GoValue): boolean {
  comparable(a, b);
  return a === b;
}

function less(a: GoValue, b: GoValue): boolean {
  comparable(a, b);
  if (typeof a === "string" && typeof b === "string") return compareBytes(a, b) < 0;
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "bigint" && typeof b === "bigint") return a < b;
  throw new Error("invalid type for comparison");
}

/** Go compares bytes of UTF-8, which is the order of code points; JavaScript compares UTF-16. */
function compareBytes(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((char, position) => char !== right[position]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

function length(value: GoValue): number {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (typeof value === "object" && value !== null) return value.size;
  throw new Error(`len of type ${goType(value)}`);
}

function index(value: GoValue, key: GoValue): GoValue {
  if (typeof value !== "object" || value === null)
    throw new Error(`can't index item of type ${goType(value)}`);
  return value.get(text(key)) ?? "";
}

function mapRunes(value: string, map: (rune: string) => string): string {
  return [...value]
    .map((rune) => {
      const mapped = [...map(rune)];
      // Go maps one rune to one rune; where Unicode has two (ß), it keeps what there was.
      return mapped.length === 1 ? mapped[0] : rune;
    })
    .join("");
}

function title(value: string): string {
  let before = " ";
  return mapRunes(value, (rune) => {
    const begins = isSeparator(before);
    before = rune;
    return begins ? rune.toUpperCase() : rune;
  });
}

function isSeparator(rune: string): boolean {
  if (rune <= "\x7f") return !/\w/.test(rune);
  return !/[\p{L}\p{Nd}]/u.test(rune) && /\s/.test(rune);
}

function escapeHtml(value: string): string {
  const entities: Readonly<Record<string, string>> = {
    "\0": "\ufffd",
    '"': "&#34;",
    "'": "&#39;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
  };
  return [...value].map((char) => entities[char] ?? char).join("");
}

/** url.QueryEscape. */
function escapeQuery(value: string): string {
  return encodeURIComponent(value.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** net.SplitHostPort; null where it fails. */
function splitHostPort(value: string): { host: string; port: string } | null {
  const bracketed = /^\[([^[\]]*)\]:([^[\]:]*)$/.exec(value);
  const plain = /^([^[\]:]*):([^[\]:]*)$/.exec(value);
  const match = bracketed ?? plain;
  return match ? { host: match[1] ?? "", port: match[2] ?? "" } : null;
}

function stripDomain(value: string): string {
  const { host, port } = splitHostPort(value) ?? { host: value, port: "" };
  if (isIp(host)) return value;
  const first = host.split(".")[0] ?? "";
  if (port === "") return first;
  return /[:%]/.test(first) ? `[${first}]:${port}` : `${first}:${port}`;
}

function isIp(host: string): boolean {
  const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  if (new RegExp(`^${octet}(?:\\.${octet}){3}$`).test(host)) return true;
  return /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(host) && URL.canParse(`http://[${host}]/`);
}

/** `%.4g`. */
function short(v: number): string {
  return formatFloat(v, "g", 4);
}

const large = ["k", "M", "G", "T", "P", "E", "Z", "Y"] as const;
const small = ["m", "u", "n", "p", "f", "a", "z", "y"] as const;

function scaleUp(v: number, base: number): { v: number; prefix: string } {
  let scaled = v;
  let prefix = "";
  for (const candidate of large) {
    if (Math.abs(scaled) < base) break;
    prefix = candidate;
    scaled /= base;
  }
  return { v: scaled, prefix };
}

function scaleDown(v: number): { v: number; prefix: string } {
  let scaled = v;
  let prefix = "";
  for (const candidate of small) {
    if (Math.abs(scaled) >= 1) break;
    prefix = candidate;
    scaled *= 1000;
  }
  return { v: scaled, prefix };
}

function humanize(v: number): string {
  if (v === 0 || !Number.isFinite(v)) return short(v);
  const scaled = Math.abs(v) >= 1 ? scaleUp(v, 1000) : scaleDown(v);
  return short(scaled.v) + scaled.prefix;
}

function humanize1024(v: number): string {
  if (Math.abs(v) <= 1 || !Number.isFinite(v)) return short(v);
  const scaled = scaleUp(v, 1024);
  return short(scaled.v) + (scaled.prefix && `${scaled.prefix}i`);
}

function humanizeDuration(v: number): string {
  if (!Number.isFinite(v)) return short(v);
  if (v === 0) return `${short(v)}s`;
  if (Math.abs(v) < 1) {
    const scaled = scaleDown(v);
    return `${short(scaled.v)}${scaled.prefix}s`;
  }
  const sign = v < 0 ? "-" : "";
  const whole = BigInt.asIntN(64, BigInt(Math.trunc(Math.abs(v))));
  const seconds = whole % 60n;
  const minutes = (whole / 60n) % 60n;
  const hours = (whole / 3600n) % 24n;
  const days = whole / 86_400n;
  if (days !== 0n) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours !== 0n) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes !== 0n) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${short(Math.abs(v))}s`;
}

const maxInt64 = 2 ** 63;

function humanizeTimestamp(v: number): string {
  return Number.isFinite(v) ? toTime(v) : short(v);
}

function toTime(v: number): string {
  if (!Number.isFinite(v)) throw new Error("value is NaN or Inf");
  const nanoseconds = v * 1e9;
  if (nanoseconds > maxInt64 || nanoseconds < -maxInt64)
    throw new Error(`${show(v)} cannot be represented as a nanoseconds timestamp since it overflows int64`);
  const ms = Number(BigInt(Math.trunc(nanoseconds)) / 1_000_000n);
  const iso = new Date(ms).toISOString();
  const fraction = iso.slice(20, 23).replace(/0+$/, "");
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}${fraction && `.${fraction}`} +0000 UTC`;
}
