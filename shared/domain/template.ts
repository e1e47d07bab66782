import type { GoMap, GoValue } from "./go-format.ts";
import { goType, show } from "./go-printf.ts";
import type { Labels } from "./series.ts";
import {
  arity,
  isPrometheusFunction,
  isTemplateFunction,
  isTrue,
  templateFunctions,
  Unsupported,
} from "./template-functions.ts";
import { type Operand, type Pipe, parseTemplate, type TemplateNode } from "./template-syntax.ts";

/** What an annotation or label template is filled with. `labels` may hold `__name__`, as in Prometheus. */
export interface TemplateData {
  readonly labels: Labels;
  readonly value: number;
  readonly externalLabels?: Labels;
  readonly externalUrl?: string;
}

const predefined = ["$", "$labels", "$externalLabels", "$externalURL", "$value"] as const;

/**
 * The text of a Prometheus annotation or label template, exactly as Prometheus would write it. A template
 * that fails gives Prometheus's `<error expanding template: …>`, and a part that Sonde cannot fill in gives
 * `<unsupported: query>` in its place: better a poor message than none.
 */
export function renderTemplate(text: string, data: TemplateData): string {
  try {
    return execute(parseTemplate(text, predefined, isPrometheusFunction), data);
  } catch (error) {
    return `<error expanding template: ${messageOf(error)}>`;
  }
}

/** What is wrong with a template, in one line; null where it parses and Sonde knows every function in it. */
export function checkTemplate(text: string): string | null {
  try {
    parseTemplate(text, predefined, isTemplateFunction);
    return null;
  } catch (error) {
    return `template: ${messageOf(error)}`;
  }
}

/** Why Prometheus would not load a template, in one line; null where it would. */
export function checkPrometheusTemplate(text: string): string | null {
  try {
    parseTemplate(text, predefined, isPrometheusFunction);
    return null;
  } catch (error) {
    return error instanceof Unsupported ? null : `template: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The root of the data is a struct in Go: its fields are fixed, where a map's are whatever it holds. */
class Root {
  readonly fields: ReadonlyMap<string, GoValue>;

  constructor({ labels, value, externalLabels, externalUrl }: TemplateData) {
    this.fields = new Map<string, GoValue>([
      ["Labels", new Map(Object.entries(labels))],
      ["ExternalLabels", new Map(Object.entries(externalLabels ?? {}))],
      ["ExternalURL", externalUrl ?? ""],
      ["Value", value],
    ]);
  }
}

type Dot = GoValue | Root;

interface Scope {
  readonly variables: Map<string, Dot>;
  readonly outer: Scope | null;
}

function execute(nodes: readonly TemplateNode[], data: TemplateData): string {
  const root = new Root(data);
  const variables = new Map<string, Dot>([["$", root]]);
  for (const [name, field] of [
    ["$labels", "Labels"],
    ["$externalLabels", "ExternalLabels"],
    ["$externalURL", "ExternalURL"],
    ["$value", "Value"],
  ] as const)
    variables.set(name, root.fields.get(field) ?? null);
  return run(nodes, root, { variables, outer: null });
}

function run(nodes: readonly TemplateNode[], dot: Dot, scope: Scope): string {
  return nodes.map((node) => runNode(node, dot, scope)).join("");
}

function runNode(node: TemplateNode, dot: Dot, scope: Scope): string {
  if (node.kind === "text") return node.text;
  try {
    if (node.kind !== "action") return runControl(node, dot, { variables: new Map(), outer: scope });
    const value = evaluate(node.pipe, dot, scope);
    return node.pipe.variables.length === 0 ? print(value) : "";
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    const standIn = `<unsupported: ${error.what}>`;
    if (node.kind !== "action" || node.pipe.variables.length === 0) return standIn;
    assign(node.pipe, standIn, scope);
    return "";
  }
}

function runControl(
  node: Exclude<TemplateNode, { kind: "text" | "action" }>,
  dot: Dot,
  scope: Scope,
): string {
  const inner = (): Scope => ({ variables: new Map(), outer: scope });
  if (node.kind === "range") return runRange(node, dot, scope);
  const value = evaluate(node.pipe, dot, scope);
  if (value instanceof Root || isTrue(value))
    return run(node.body, node.kind === "with" ? value : dot, inner());
  return run(node.otherwise, dot, inner());
}

function runRange(node: Exclude<TemplateNode, { kind: "text" | "action" }>, dot: Dot, scope: Scope): string {
  const over = evaluate({ ...node.pipe, variables: [], declares: false }, dot, scope);
  if (typeof over !== "object" || over === null || over instanceof Root)
    throw new Error(`unsupported: range over ${over instanceof Root ? "the data" : goType(over)}`);
  const entries = [...over].sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return run(node.otherwise, dot, { variables: new Map(), outer: scope });
  const [first, second] = node.pipe.variables;
  return entries
    .map(([key, value]) => {
      const variables = new Map<string, Dot>();
      if (first !== undefined) variables.set(first, second === undefined ? value : key);
      if (second !== undefined) variables.set(second, value);
      return run(node.body, value, { variables, outer: scope });
    })
    .join("");
}

function evaluate(pipe: Pipe, dot: Dot, scope: Scope): Dot {
  let value: Dot | undefined;
  for (const command of pipe.commands) value = evaluateCommand(command, dot, scope, value);
  const result = value ?? null;
  assign(pipe, result, scope);
  return result;
}

function assign({ variables, declares }: Pipe, value: Dot, scope: Scope): void {
  for (const name of variables) {
    if (declares) scope.variables.set(name, value);
    else holder(name, scope).set(name, value);
  }
}

function holder(name: string, scope: Scope): Map<string, Dot> {
  for (let at: Scope | null = scope; at; at = at.outer) if (at.variables.has(name)) return at.variables;
  throw new Error(`undefined variable "${name}"`);
}

function evaluateCommand(
  [first, ...rest]: Pipe["commands"][number],
  dot: Dot,
  scope: Scope,
  piped: Dot | undefined,
): Dot {
  if (first.kind === "function") return callFunction(first.name, rest, dot, scope, piped);
  if (rest.length > 0 || piped !== undefined) throw new Error("can't give argument to non-function");
  if (first.kind === "literal" && first.value === null) throw new Error("nil is not a command");
  return evaluateOperand(first, dot, scope);
}

function callFunction(
  name: string,
  operands: readonly Operand[],
  dot: Dot,
  scope: Scope,
  piped: Dot | undefined,
): GoValue {
  const count = operands.length + (piped === undefined ? 0 : 1);
  const requireCount = () => {
    const [least, most] = arity(name);
    if (count < least || count > most) throw new Error(`wrong number of args for ${name}: got ${count}`);
  };
  if (name === "and" || name === "or") {
    requireCount();
    return shortCircuit(name === "and", operands, dot, scope, piped);
  }
  const called = templateFunctions.get(name);
  if (!called) throw new Unsupported(name);
  requireCount();
  const args = operands.map((operand) => argument(evaluateOperand(operand, dot, scope)));
  if (piped !== undefined) args.push(argument(piped));
  try {
    return called(args);
  } catch (error) {
    throw new Error(`error calling ${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** `and` and `or` evaluate no further than they must, so that a guard in front protects what follows. */
function shortCircuit(
  isAnd: boolean,
  operands: readonly Operand[],
  dot: Dot,
  scope: Scope,
  piped: Dot | undefined,
): GoValue {
  let value: GoValue = null;
  for (const operand of operands) {
    value = argument(evaluateOperand(operand, dot, scope));
    if (isTrue(value) !== isAnd) return value;
  }
  return piped === undefined ? value : argument(piped);
}

function argument(value: Dot): GoValue {
  if (value instanceof Root) throw new Error("unsupported: the whole data as an argument");
  return value;
}

function evaluateOperand(operand: Operand, dot: Dot, scope: Scope): Dot {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "field":
      return operand.path.reduce(field, dot);
    case "variable":
      return operand.path.reduce(field, holder(operand.name, scope).get(operand.name) ?? null);
    case "pipe":
      return operand.path.reduce(field, evaluate(operand.pipe, dot, scope));
    case "function":
      return callFunction(operand.name, [], dot, scope, undefined);
  }
}

function field(value: Dot, name: string): Dot {
  if (value instanceof Root) {
    const found = value.fields.get(name);
    if (found === undefined) throw new Error(`can't evaluate field ${name}`);
    return found;
  }
  if (isMap(value)) return value.get(name) ?? "";
  throw new Error(`can't evaluate field ${name} in type ${goType(value)}`);
}

function isMap(value: GoValue): value is GoMap {
  return typeof value === "object" && value !== null;
}

function print(value: Dot): string {
  if (value instanceof Root) return `{${[...value.fields.values()].map(show).join(" ")}}`;
  return value === null ? "<no value>" : show(value);
}
