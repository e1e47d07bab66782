import type { GoValue } from "./go-format.ts";
import { unquote } from "./go-quote.ts";
import { Unsupported } from "./template-functions.ts";

/** One word of a command. `path` holds the fields behind it: `.Labels.pod`, `$labels.pod`. */
export type Operand =
  | { readonly kind: "literal"; readonly value: GoValue }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipe"; readonly pipe: Pipe; readonly path: readonly string[] };

export interface Pipe {
  /** Variables that get the value, and whether they are new (`:=`). */
  readonly variables: readonly string[];
  readonly declares: boolean;
  /** Each command's first operand is what is called or shown; never empty, nor is a command. */
  readonly commands: readonly (readonly [Operand, ...Operand[]])[];
}

export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipe: Pipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

interface Token {
  readonly kind: "string" | "number" | "char" | "word" | "variable" | "field" | "dot" | "punct";
  readonly text: string;
  readonly spaced: boolean;
}
type Piece = { readonly text: string } | { readonly tokens: readonly Token[] };

/** A cursor over the pieces of a template, shared by the functions of the parser. */
interface Cursor {
  readonly pieces: readonly Piece[];
  at: number;
  readonly scopes: Set<string>[];
  readonly isFunction: (name: string) => boolean;
}

/**
 * Parses Go's text/template as far as Prometheus's annotations use it. Throws an Error of one line. Variables
 * in `defined` exist from the start; `isFunction` may throw to say that a function is known but not supported.
 */
export function parseTemplate(
  text: string,
  defined: readonly string[],
  isFunction: (name: string) => boolean,
): readonly TemplateNode[] {
  const cursor: Cursor = { pieces: scan(text), at: 0, scopes: [new Set(defined)], isFunction };
  const { nodes, stop } = parseNodes(cursor);
  if (stop) throw new Error(`unexpected {{${stop.word}}}`);
  return nodes;
}

const leftDelimiter = /\{\{(?:-(?=[ \t\r\n]))?/g;
const comment = /(?:(?<=-)[ \t\r\n])?\/\*[\s\S]*?\*\/(?:[ \t\r\n]-)?\}\}/y;

function scan(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    leftDelimiter.lastIndex = at;
    const open = leftDelimiter.exec(template);
    const raw = template.slice(at, open?.index);
    const led = trimNext ? raw.replace(/^[ \t\r\n]+/, "") : raw;
    pieces.push({ text: open?.[0] === "{{-" ? led.replace(/[ \t\r\n]+$/, "") : led });
    if (!open) return pieces;
    const inside = open.index + open[0].length;
    comment.lastIndex = inside;
    const note = comment.exec(template);
    if (note) {
      at = comment.lastIndex;
      trimNext = note[0].endsWith("-}}");
      continue;
    }
    const action = scanAction(template, inside);
    pieces.push({ tokens: action.tokens });
    at = action.end;
    trimNext = action.trim;
  }
}

const tokenPatterns = [
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ["char", /'(?:[^'\\\n]|\\.)+'/y],
  [
    "number",
    /[+-]?(?:0[xX][0-9a-fA-F_.]*(?:[pP][+-]?\d+)?|0[oObB][\d_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y,
  ],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["field", /\.[\p{L}\p{Nd}_]+/uy],
  ["dot", /\./y],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["punct", /:=|[=|(),]/y],
] as const;

function scanAction(template: string, from: number): { tokens: Token[]; end: number; trim: boolean } {
  const tokens: Token[] = [];
  const close = /([ \t\r\n]+-)?\}\}/y;
  const blank = /[ \t\r\n]+/y;
  let at = from;
  while (at < template.length) {
    close.lastIndex = blank.lastIndex = at;
    const closed = close.exec(template);
    if (closed) return { tokens, end: close.lastIndex, trim: closed[1] !== undefined };
    const spaced = blank.test(template);
    if (spaced) at = blank.lastIndex;
    const token = scanToken(template, at);
    if (token) tokens.push({ ...token, spaced });
    else if (!spaced) throw new Error(`unexpected ${JSON.stringify(template.slice(at, at + 10))} in {{…}}`);
    at += token?.text.length ?? 0;
  }
  throw new Error("{{ without }}");
}

function scanToken(template: string, at: number): Omit<Token, "spaced"> | null {
  for (const [kind, pattern] of tokenPatterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(template);
    if (!match) continue;
    if (kind === "number" && /^[\p{L}\p{Nd}_]/u.test(template.slice(pattern.lastIndex)))
      throw new Error(`bad number ${template.slice(at, pattern.lastIndex + 1)}`);
    return { kind, text: match[0] };
  }
  return null;
}

interface Stop {
  readonly word: "end" | "else";
  /** What stands behind `else`. */
  readonly rest: readonly Token[];
}

function parseNodes(cursor: Cursor): { nodes: TemplateNode[]; stop: Stop | null } {
  const nodes: TemplateNode[] = [];
  for (;;) {
    const piece = cursor.pieces[cursor.at];
    cursor.at += 1;
    if (!piece) return { nodes, stop: null };
    if ("text" in piece) {
      if (piece.text !== "") nodes.push({ kind: "text", text: piece.text });
      continue;
    }
    const [first, ...rest] = piece.tokens;
    const word = first?.kind === "word" ? first.text : "";
    if (word === "end" || word === "else") {
      if (word === "end" && rest[0]) throw new Error(`unexpected ${rest[0].text} in {{end}}`);
      return { nodes, stop: { word, rest } };
    }
    if (word === "if" || word === "with" || word === "range") nodes.push(parseControl(cursor, word, rest));
    else if (/^(?:define|template|block|break|continue)$/.test(word)) throw new Unsupported(word);
    else nodes.push({ kind: "action", pipe: parseWholePipe(cursor, piece.tokens, "command") });
  }
}

function parseControl(cursor: Cursor, kind: "if" | "with" | "range", tokens: readonly Token[]): TemplateNode {
  cursor.scopes.push(new Set());
  const pipe = parseWholePipe(cursor, tokens, kind);
  const body = parseScoped(cursor);
  let otherwise: TemplateNode[] = [];
  let stop = body.stop;
  if (stop?.word === "else") {
    const [next, ...rest] = stop.rest;
    const chained = next?.text === "if" || next?.text === "with" ? next.text : null;
    if (next && (!chained || kind === "range")) throw new Error(`unexpected ${next.text} in {{else}}`);
    if (chained) {
      // `{{else if}}` ends with the `{{end}}` of the inner one.
      otherwise = [parseControl(cursor, chained, rest)];
      stop = { word: "end", rest: [] };
    } else {
      ({ nodes: otherwise, stop } = parseScoped(cursor));
    }
  }
  if (stop?.word !== "end") throw new Error(stop ? "unexpected {{else}}" : `{{${kind}}} without {{end}}`);
  cursor.scopes.pop();
  return { kind, pipe, body: body.nodes, otherwise };
}

function parseScoped(cursor: Cursor): { nodes: TemplateNode[]; stop: Stop | null } {
  cursor.scopes.push(new Set());
  const parsed = parseNodes(cursor);
  cursor.scopes.pop();
  return parsed;
}

function parseWholePipe(cursor: Cursor, tokens: readonly Token[], context: string): Pipe {
  const { variables, declares, used } = parseDeclaration(cursor, tokens, context);
  const reader: Reader = { tokens, at: used };
  const commands = parseCommands(cursor, reader, context);
  const left = tokens[reader.at];
  if (left) throw new Error(`unexpected ${left.text} in ${context}`);
  if (declares) for (const variable of variables) cursor.scopes.at(-1)?.add(variable);
  return { variables, declares, commands };
}

function parseDeclaration(
  cursor: Cursor,
  tokens: readonly Token[],
  context: string,
): { variables: string[]; declares: boolean; used: number } {
  const [first, second, third, fourth] = tokens;
  const none = { variables: [], declares: false, used: 0 };
  if (first?.kind !== "variable") return none;
  const pair = second?.text === "," && third?.kind === "variable" && context === "range";
  const operator = pair ? fourth?.text : second?.text;
  if (operator !== ":=" && operator !== "=") return none;
  const variables = pair ? [first.text, third.text] : [first.text];
  if (operator === "=") for (const variable of variables) requireVariable(cursor, variable);
  return { variables, declares: operator === ":=", used: pair ? 4 : 2 };
}

function requireVariable(cursor: Cursor, name: string): void {
  if (!cursor.scopes.some((scope) => scope.has(name))) throw new Error(`undefined variable "${name}"`);
}

interface Reader {
  readonly tokens: readonly Token[];
  at: number;
}

function parseCommands(cursor: Cursor, reader: Reader, context: string): Pipe["commands"] {
  const commands: [Operand, ...Operand[]][] = [];
  for (;;) {
    const [first, ...rest] = parseOperands(cursor, reader);
    // Go lets a pipeline end in a bar.
    if (!first && commands.length > 0) return commands;
    if (!first) throw new Error(`missing value for ${context}`);
    if (
      commands.length > 0 &&
      (first.kind === "literal" || (first.kind === "field" && first.path.length === 0))
    )
      throw new Error(`non executable command in pipeline stage ${commands.length + 1}`);
    commands.push([first, ...rest]);
    if (reader.tokens[reader.at]?.text !== "|") return commands;
    reader.at += 1;
  }
}

function parseOperands(cursor: Cursor, reader: Reader): Operand[] {
  const operands: Operand[] = [];
  for (;;) {
    const token = reader.tokens[reader.at];
    if (!token || token.text === "|" || token.text === ")") return operands;
    if (operands.length > 0 && !token.spaced) throw new Error(`unexpected ${token.text} in operand`);
    operands.push(parseOperand(cursor, reader, token));
  }
}

function parseOperand(cursor: Cursor, reader: Reader, token: Token): Operand {
  reader.at += 1;
  switch (token.kind) {
    case "string":
      return { kind: "literal", value: unquote(token.text) };
    case "char":
      return { kind: "literal", value: BigInt(unquote(`"${token.text.slice(1, -1)}"`).codePointAt(0) ?? 0) };
    case "number":
      return { kind: "literal", value: parseNumber(token.text) };
    case "dot":
      return { kind: "field", path: parsePath(reader) };
    case "field":
      return { kind: "field", path: [token.text.slice(1), ...parsePath(reader)] };
    case "variable":
      requireVariable(cursor, token.text);
      return { kind: "variable", name: token.text, path: parsePath(reader) };
    case "word":
      return parseWord(cursor, token.text);
    case "punct": {
      if (token.text !== "(") throw new Error(`unexpected ${token.text} in operand`);
      const commands = parseCommands(cursor, reader, "parenthesized pipeline");
      if (reader.tokens[reader.at]?.text !== ")") throw new Error("unclosed left paren");
      reader.at += 1;
      const pipe: Pipe = { variables: [], declares: false, commands };
      return { kind: "pipe", pipe, path: parsePath(reader) };
    }
  }
}

function parsePath(reader: Reader): string[] {
  const path: string[] = [];
  for (;;) {
    const token = reader.tokens[reader.at];
    if (token?.kind !== "field" || token.spaced) return path;
    path.push(token.text.slice(1));
    reader.at += 1;
  }
}

function parseWord(cursor: Cursor, word: string): Operand {
  if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
  if (word === "nil") return { kind: "literal", value: null };
  if (!cursor.isFunction(word)) throw new Error(`function "${word}" not defined`);
  return { kind: "function", name: word };
}

/** A number as Go types constants: one with a point or an exponent is a float64, any other an int. */
function parseNumber(text: string): number | bigint {
  const plain = text.replaceAll("_", "").replace(/^\+/, "");
  const negative = plain.startsWith("-");
  const digits = negative ? plain.slice(1) : plain;
  if (/^0[xX].*[.pP]/.test(digits)) throw new Error(`unsupported: number ${text}`);
  if (!/^0[xX]/.test(digits) && /[.eE]/.test(digits)) return Number(plain);
  // A leading zero alone makes a number octal in Go.
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return negative ? -magnitude : magnitude;
}
