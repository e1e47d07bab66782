import { type FloatNotation, formatFloat, type GoValue } from "./go-format.ts";
import { quote } from "./go-quote.ts";

interface Directive {
  readonly flags: string;
  readonly width: number | null;
  readonly precision: number | null;
  readonly verb: string;
}

const directivePattern = /%([-+ 0#]*)(?:\[(\d+)\])?(\d+)?(?:\.(\d*))?(?:\[(\d+)\])?(.|$)/gsu;

/** fmt.Sprintf. Throws where a directive is not supported here (`*`, `#`): better no text than a wrong one. */
export function sprintf(format: string, args: readonly GoValue[]): string {
  let next = 0;
  let reordered = false;
  const text = format.replace(directivePattern, (...match: (string | undefined)[]) => {
    const [whole = "", flags = "", index, width, precision, lateIndex, verb = ""] = match;
    if (verb === "") return "%!(NOVERB)";
    if (verb === "%") return "%";
    if (verb === "*" || flags.includes("#")) throw new Error(`unsupported: printf ${whole}`);
    const at = index ?? lateIndex;
    if (at !== undefined) {
      next = Number(at) - 1;
      reordered = true;
    }
    const arg = args[next];
    if (arg === undefined) return `%!${verb}(${at === undefined ? "MISSING" : "BADINDEX"})`;
    next += 1;
    return formatOne(arg, {
      flags,
      width: width === undefined ? null : Number(width),
      precision: precision === undefined ? null : Number(precision),
      verb,
    });
  });
  const extra = reordered ? [] : args.slice(next);
  if (extra.length === 0) return text;
  return `${text}%!(EXTRA ${extra.map(describe).join(", ")})`;
}

/** fmt.Sprint: a space between operands where neither is a string. */
export function sprint(args: readonly GoValue[]): string {
  return args.reduce<string>((text, arg, index) => {
    const before = args[index - 1];
    const space = index > 0 && typeof arg !== "string" && typeof before !== "string";
    return text + (space ? " " : "") + show(arg);
  }, "");
}

/** The value as `%v` prints it. */
export function show(value: GoValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatFloat(value, "g", null);
  if (value === null) return "<nil>";
  if (typeof value === "object") {
    const entries = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([name, inner]) => `${name}:${inner}`).join(" ")}]`;
  }
  return String(value);
}

export function goType(value: GoValue): string {
  if (value === null) return "<nil>";
  if (typeof value === "number") return "float64";
  if (typeof value === "bigint") return "int";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]string";
}

function describe(value: GoValue): string {
  return value === null ? "<nil>" : `${goType(value)}=${show(value)}`;
}

function formatOne(value: GoValue, directive: Directive): string {
  const { verb } = directive;
  if (verb === "T") return pad(goType(value), directive);
  if (typeof value === "string") return formatString(value, directive);
  if (typeof value === "number") return formatNumber(value, directive);
  if (typeof value === "bigint") return formatInt(value, directive);
  if (verb === "v" || (verb === "t" && typeof value === "boolean")) return pad(show(value), directive);
  if (verb === "s" && typeof value === "object" && value !== null) return pad(show(value), directive);
  return badVerb(value, verb);
}

function badVerb(value: GoValue, verb: string): string {
  return `%!${verb}(${describe(value)})`;
}

function formatString(value: string, directive: Directive): string {
  const { verb, precision } = directive;
  const cut = precision === null ? value : [...value].slice(0, precision).join("");
  if (verb === "v" || verb === "s") return pad(cut, directive);
  if (verb === "q") return pad(quote(cut), directive);
  if (verb === "x" || verb === "X") {
    const hex = [...new TextEncoder().encode(cut)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return pad(verb === "X" ? hex.toUpperCase() : hex, directive);
  }
  return badVerb(value, verb);
}

const floatVerbs: Readonly<Record<string, { notation: FloatNotation; precision: number | null }>> = {
  v: { notation: "g", precision: null },
  g: { notation: "g", precision: null },
  G: { notation: "g", precision: null },
  e: { notation: "e", precision: 6 },
  E: { notation: "e", precision: 6 },
  f: { notation: "f", precision: 6 },
  F: { notation: "f", precision: 6 },
  x: { notation: "x", precision: null },
  X: { notation: "x", precision: null },
};

function formatNumber(value: number, directive: Directive): string {
  const known = floatVerbs[directive.verb];
  if (directive.verb === "b" || (known?.notation === "x" && directive.precision !== null))
    throw new Error(`unsupported: printf %${directive.verb}`);
  if (!known) return badVerb(value, directive.verb);
  const { flags } = directive;
  const plain = formatFloat(value, known.notation, directive.precision ?? known.precision);
  const cased = /[EGX]/.test(directive.verb) && Number.isFinite(value) ? plain.toUpperCase() : plain;
  const infinite = value === Number.POSITIVE_INFINITY;
  const signed = /^[-+]/.test(cased)
    ? cased
    : `${flags.includes("+") ? "+" : flags.includes(" ") ? " " : ""}${cased}`;
  const shown = infinite && flags.includes(" ") && !flags.includes("+") ? " Inf" : signed;
  return pad(shown, Number.isFinite(value) ? directive : { ...directive, flags: flags.replaceAll("0", "") });
}

function formatInt(value: bigint, directive: Directive): string {
  const { verb, flags, precision } = directive;
  if (verb === "c") return pad(String.fromCodePoint(Number(value)), directive);
  if (verb === "q" || verb === "U") throw new Error(`unsupported: printf %${verb}`);
  const radix = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 }[verb];
  if (radix === undefined) return badVerb(value, verb);
  const magnitude = (value < 0n ? -value : value).toString(radix);
  const digits = magnitude.padStart(precision ?? 1, "0");
  const sign = value < 0n ? "-" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  const shown = sign + (verb === "O" ? "0o" : "") + (verb === "X" ? digits.toUpperCase() : digits);
  // With a precision, zeros pad no further than it says.
  return pad(shown, precision === null ? directive : { ...directive, flags: flags.replaceAll("0", "") });
}

function pad(text: string, { flags, width }: Directive): string {
  const missing = (width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (!flags.includes("0")) return " ".repeat(missing) + text;
  const sign = /^[-+ ]?/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}
