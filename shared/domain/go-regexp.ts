/**
 * Go's regular expressions (RE2 syntax, as Prometheus templates have them) by way of JavaScript's. What RE2
 * refuses is refused here: look-around, backreferences. Labels are short; RE2's linear time is not kept.
 */
export interface GoRegexp {
  readonly matches: (text: string) => boolean;
  /** ReplaceAllString: `$1`, `${1}` and `${name}` are groups, and `$1x` is the group called "1x". */
  readonly replaceAll: (text: string, replacement: string) => string;
}

/** Throws an Error that says what is wrong with the pattern. */
export function compileGoRegexp(pattern: string): GoRegexp {
  const { source, names } = translate(pattern);
  let compiled: RegExp;
  try {
    compiled = new RegExp(source, "gv");
  } catch (cause) {
    throw new Error(`"${pattern}" is not a regular expression of Go`, { cause });
  }
  return {
    matches: (text) => find(compiled, text, 0) !== null,
    replaceAll: (text, replacement) => replaceAll(compiled, names, text, replacement),
  };
}

function find(compiled: RegExp, text: string, from: number): RegExpExecArray | null {
  compiled.lastIndex = from;
  return compiled.exec(text);
}

function replaceAll(
  compiled: RegExp,
  names: ReadonlyMap<string, number>,
  text: string,
  replacement: string,
): string {
  let result = "";
  let copied = 0;
  let at = 0;
  while (at <= text.length) {
    const match = find(compiled, text, at);
    if (!match) break;
    const end = match.index + match[0].length;
    result += text.slice(copied, match.index);
    // An empty match right behind another match is not replaced.
    if (end > copied || match.index === 0) result += expand(replacement, match, names);
    copied = end;
    const width = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    at = Math.max(at + width, end);
  }
  return result + text.slice(copied);
}

function expand(replacement: string, match: RegExpExecArray, names: ReadonlyMap<string, number>): string {
  return replacement.replace(
    /\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu,
    (whole, braced?: string, bare?: string) => {
      if (whole === "$$") return "$";
      const name = braced ?? bare ?? "";
      return match[/^\d+$/.test(name) ? Number(name) : (names.get(name) ?? -1)] ?? "";
    },
  );
}

interface Flags {
  i: boolean;
  m: boolean;
  s: boolean;
  U: boolean;
}

const space = "\\t\\n\\f\\r ";
const start = "(?:(?<![\\s\\S]))";
const end = "(?:(?![\\s\\S]))";
const posix: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: "\\t ",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e",
  lower: "a-z",
  print: "\\x20-\\x7e",
  punct: "\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e",
  space: "\\t\\n\\v\\f\\r ",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

function translate(pattern: string): { source: string; names: Map<string, number> } {
  const names = new Map<string, number>();
  let at = 0;
  let groups = 0;
  const fail = (what: string): never => {
    throw new Error(`"${pattern}" is not a regular expression of Go: ${what}`);
  };
  const take = (expression: RegExp): RegExpExecArray | null => {
    const sticky = new RegExp(expression.source, "uy");
    sticky.lastIndex = at;
    const match = sticky.exec(pattern);
    if (match) at = sticky.lastIndex;
    return match;
  };
  const char = (): string => take(/[\s\S]/)?.[0] ?? fail("it ends too early");

  function alternatives(outer: Flags): string {
    const flags = { ...outer };
    let source = "";
    while (at < pattern.length && pattern[at] !== ")") {
      if (take(/\|/)) {
        source += "|";
        continue;
      }
      const setting = take(/\(\?([imsU]*)(?:-([imsU]+))?\)/);
      if (setting) {
        applyFlags(flags, setting);
        continue;
      }
      source += quantified(atom(flags), flags);
    }
    return source;
  }

  function quantified(source: string, flags: Flags): string {
    const match = take(/([*+?]|\{\d+(?:,\d*)?\})(\?)?/);
    if (!match) return source;
    const lazy = (match[2] !== undefined) !== flags.U;
    if (take(/[*+?]|\{\d+(?:,\d*)?\}/)) fail("a repetition is repeated");
    return `${source}${match[1]}${lazy ? "?" : ""}`;
  }

  function atom(flags: Flags): string {
    const folded = (source: string) => (flags.i ? `(?i:${source})` : source);
    if (take(/\./)) return flags.s ? "[\\s\\S]" : "[^\\n]";
    if (take(/\^/)) return flags.m ? "(?:(?<![^\\n]))" : start;
    if (take(/\$/)) return flags.m ? "(?:(?![^\\n]))" : end;
    if (take(/\[/)) return folded(characterClass());
    if (take(/\(/)) return group(flags);
    if (take(/\\Q/)) {
      const quoted = take(/([\s\S]*?)(?:\\E|$)/)?.[1] ?? "";
      return [...quoted].map((quotedChar) => folded(literal(quotedChar))).join("");
    }
    if (take(/\\A/)) return start;
    if (take(/\\z/)) return end;
    if (take(/\\b/)) return "(?:\\b)";
    if (take(/\\B/)) return "(?:\\B)";
    if (take(/\\/)) return folded(escaped());
    if (take(/[*+?]/)) fail("a repetition has nothing to repeat");
    return folded(literal(char()));
  }

  function group(flags: Flags): string {
    const named = take(/\?P?<(\w+)>/);
    const plain = named ? null : take(/\?([imsU]*)(?:-([imsU]+))?:/);
    const inner = { ...flags };
    if (plain) applyFlags(inner, plain);
    else if (!named && take(/\?/)) fail("this kind of group is not known");
    if (!plain) groups += 1;
    if (named?.[1] !== undefined) {
      if (names.has(named[1])) fail(`two groups are called ${named[1]}`);
      names.set(named[1], groups);
    }
    const body = alternatives(inner);
    if (!take(/\)/)) fail("a parenthesis is not closed");
    return plain ? `(?:${body})` : `(${body})`;
  }

  /** What stands behind a backslash, in a form that is good inside and outside of a class. */
  function escaped(): string {
    const perl = take(/[dDwWsS]/)?.[0];
    if (perl === "s") return `[${space}]`;
    if (perl === "S") return `[^${space}]`;
    if (perl) return `\\${perl}`;
    const property = take(/([pP])(?:\{(\^?)(\w+)\}|(\w))/);
    if (property) {
      const [, letter, caret, long, short] = property;
      const negated = (letter === "P") !== (caret === "^");
      const name = long ?? short ?? "";
      return `\\${negated ? "P" : "p"}{${name.length <= 2 ? name : `Script=${name}`}}`;
    }
    const hex = take(/x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/);
    if (hex) return literal(String.fromCodePoint(Number.parseInt(hex[1] ?? hex[2] ?? "", 16)));
    const octal = take(/0[0-7]{0,2}|[1-7][0-7]{1,2}/);
    if (octal) return literal(String.fromCodePoint(Number.parseInt(octal[0], 8)));
    const control = take(/[aftnrv]/)?.[0];
    if (control === "a") return "\\x07";
    if (control) return `\\${control}`;
    if (take(/(?=[A-Za-z0-9])/)) fail(`\\${char()} is not known`);
    return literal(char());
  }

  function characterClass(): string {
    const negated = take(/\^/) !== null;
    let body = take(/\]/) ? literal("]") : "";
    while (!take(/\]/)) {
      const named = take(/\[:(\^?)(\w+):\]/);
      if (named) {
        const set = posix[named[2] ?? ""] ?? fail(`[:${named[2]}:] is not known`);
        body += named[1] ? `[^${set}]` : `[${set}]`;
        continue;
      }
      const low = take(/\\/) ? escaped() : literal(char());
      body += take(/-(?=[^\]])/) ? `${low}-${take(/\\/) ? escaped() : literal(char())}` : low;
    }
    return negated ? `[^${body}]` : `[${body}]`;
  }

  const source = alternatives({ i: false, m: false, s: false, U: false });
  if (at < pattern.length) fail("a parenthesis is closed that was not opened");
  return { source, names };
}

function applyFlags(flags: Flags, [, on = "", off = ""]: RegExpExecArray): void {
  for (const key of ["i", "m", "s", "U"] as const) {
    if (on.includes(key)) flags[key] = true;
    if (off.includes(key)) flags[key] = false;
  }
}

/** One character as itself, in a class too; letters, digits and what is not ASCII need no escape. */
function literal(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return /[A-Za-z0-9]/.test(char) || code > 0x7f ? char : `\\x${code.toString(16).padStart(2, "0")}`;
}
