/**
 * Numbers and text as Go's strconv and fmt print them, for Prometheus templates. Go's float64 is a JavaScript
 * number here, Go's int is a bigint, so that the two never mix.
 */
export type GoMap = ReadonlyMap<string, string>;
export type GoValue = string | boolean | number | bigint | null | GoMap;

/** Significant decimal digits, and where the point stands: `{ digits: "915", point: 2 }` is 91.5. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

const zero: Decimal = { digits: "", point: 0 };

/** The fewest digits that read back as the same number. */
function shortestDecimal(v: number): Decimal {
  if (v === 0) return zero;
  const [mantissa = "", exponent] = Math.abs(v).toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

/** All digits that a float64 has; toFixed and toPrecision would round halves up where Go rounds to even. */
function exactDecimal(v: number): Decimal {
  if (v === 0) return zero;
  const { mantissa, exponent } = float64Parts(v);
  const digits = (
    exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent)
  ).toString();
  return { digits: digits.replace(/0+$/, ""), point: digits.length + Math.min(exponent, 0) };
}

/** |v| = mantissa × 2^exponent. */
function float64Parts(v: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(v));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** Keeps `count` digits, halves to even; `count` may be zero or less. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return zero;
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const half = rest[0] === "5" && rest.length === 1;
  const up = half ? Number(kept.at(-1) ?? "0") % 2 === 1 : (rest[0] ?? "0") >= "5";
  if (!up) return trimmed(kept, point);
  const raised = (BigInt(kept || "0") + 1n).toString();
  return trimmed(raised, point + raised.length - kept.length);
}

function trimmed(digits: string, point: number): Decimal {
  const significant = digits.replace(/0+$/, "");
  return significant === "" ? zero : { digits: significant, point };
}

function plainNotation({ digits, point }: Decimal, fraction: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  const rest = ("0".repeat(Math.max(0, -point)) + digits.slice(Math.max(0, point))).slice(0, fraction);
  return fraction > 0 ? `${whole}.${rest.padEnd(fraction, "0")}` : whole;
}

function exponentNotation({ digits, point }: Decimal, fraction: number): string {
  const exponent = digits === "" ? 0 : point - 1;
  const rest = digits.slice(1, fraction + 1).padEnd(fraction, "0");
  const sign = exponent < 0 ? "-" : "+";
  const mantissa = (digits[0] ?? "0") + (fraction > 0 ? `.${rest}` : "");
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function hexNotation(v: number): string {
  if (v === 0) return "0x0p+00";
  const { mantissa, exponent } = float64Parts(v);
  const length = mantissa.toString(2).length;
  const fraction = ((mantissa << BigInt(53 - length)) & ((1n << 52n) - 1n)).toString(16).padStart(13, "0");
  const digits = fraction.replace(/0+$/, "");
  const power = exponent + length - 1;
  const shown = `${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  return `0x1${digits ? `.${digits}` : ""}p${shown}`;
}

export type FloatNotation = "e" | "f" | "g" | "x";

/** strconv.FormatFloat: `precision` null is the shortest form that reads back the same. */
export function formatFloat(v: number, notation: FloatNotation, precision: number | null): string {
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "+Inf" : "-Inf";
  const sign = v < 0 || Object.is(v, -0) ? "-" : "";
  return sign + magnitude(v, notation, precision);
}

function magnitude(v: number, notation: FloatNotation, precision: number | null): string {
  if (notation === "x") return hexNotation(v);
  const decimal = precision === null ? shortestDecimal(v) : exactDecimal(v);
  if (notation === "e") {
    if (precision === null) return exponentNotation(decimal, Math.max(0, decimal.digits.length - 1));
    return exponentNotation(round(decimal, precision + 1), precision);
  }
  if (notation === "f") {
    if (precision === null) return plainNotation(decimal, Math.max(0, decimal.digits.length - decimal.point));
    return plainNotation(round(decimal, decimal.point + precision), precision);
  }
  const rounded = precision === null ? decimal : round(decimal, Math.max(1, precision));
  const exponent = rounded.point - 1;
  if (exponent < -4 || exponent >= exponentLimit(rounded, precision))
    return exponentNotation(rounded, Math.max(0, rounded.digits.length - 1));
  return plainNotation(rounded, Math.max(0, rounded.digits.length - rounded.point));
}

/** From which exponent on `%g` writes an exponent. */
function exponentLimit({ digits, point }: Decimal, precision: number | null): number {
  if (precision === null) return 6;
  const wanted = Math.max(1, precision);
  return wanted > digits.length && digits.length >= point ? digits.length : wanted;
}
