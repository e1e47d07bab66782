import * as z from "zod/mini";

import { suggestName } from "./words.ts";

type Path = readonly (string | number)[];

/** A fault in a file that people write: a path into it, and one line on what is wrong and what to write instead. */
export interface ConfigFault {
  readonly path: Path;
  readonly message: string;
}

/**
 * What a schema found wrong with data, in words for the author; unknown keys name the nearest known one. `base`
 * is the path of the data within its file.
 */
export function schemaFaults(
  schema: unknown,
  error: z.core.$ZodError,
  data: unknown,
  base: Path = [],
): ConfigFault[] {
  return error.issues
    .flatMap((issue) => explainIssue(schema, issue, [], data))
    .map(({ path, message }) => ({ path: [...base, ...path], message }));
}

/** `groups[0].rules[1].expr: ` in front of a message; nothing for the root. */
export function describePath(path: Path): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text === "" ? "" : `${text.replace(/^\./, "")}: `;
}

type Issue = z.core.$ZodIssue;

function explainIssue(schema: unknown, issue: Issue, parent: Path, data: unknown): ConfigFault[] {
  const path = [...parent, ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part))];
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key; ${suggestName(key, known)}`,
      }));
    }
    case "invalid_union": {
      // The branch that came furthest is the one that was meant.
      const branches = issue.errors
        .map((errors) => errors.flatMap((inner) => explainIssue(schema, inner, path, data)))
        .filter((faults) => faults.length > 0);
      const depth = (faults: ConfigFault[]) => Math.max(...faults.map((fault) => fault.path.length));
      const best = branches.sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
      return best ?? [{ path, message: "is of no kind that fits here" }];
    }
    case "invalid_type":
      if (valueAt(data, path) === null && issue.expected === "array")
        return [{ path, message: "is empty: write [], or leave it out" }];
      return [
        {
          path,
          message:
            valueAt(data, path) === undefined
              ? "is missing"
              : `must be ${shapes[issue.expected] ?? `a ${issue.expected}`}`,
        },
      ];
    case "invalid_value":
      return [
        { path, message: `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}` },
      ];
    case "too_small":
      return [
        {
          path,
          message:
            issue.origin === "string" || issue.origin === "array"
              ? "must not be empty"
              : `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`,
        },
      ];
    case "too_big":
      return [{ path, message: `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}` }];
    default:
      return [{ path, message: issue.message }];
  }
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    data,
  );
}

const shapes: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
};

/** The keys that the schema knows at a path of the data. */
function knownKeys(schema: unknown, path: Path): string[] {
  const node = unwrap(schema);
  if (node.kind === "union") return [...new Set(node.options.flatMap((option) => knownKeys(option, path)))];
  const [head, ...rest] = path;
  if (head === undefined) return node.kind === "object" ? Object.keys(node.shape) : [];
  if (node.kind === "object")
    return typeof head === "string" && node.shape[head] ? knownKeys(node.shape[head], rest) : [];
  return node.kind === "array" ? knownKeys(node.element, rest) : [];
}

type SchemaNode =
  | { kind: "object"; shape: Readonly<Record<string, unknown>> }
  | { kind: "array"; element: unknown }
  | { kind: "union"; options: readonly unknown[] }
  | { kind: "other" };

function unwrap(schema: unknown): SchemaNode {
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniNullable)
    return unwrap(schema._zod.def.innerType);
  if (schema instanceof z.ZodMiniObject) return { kind: "object", shape: schema._zod.def.shape };
  if (schema instanceof z.ZodMiniArray) return { kind: "array", element: schema._zod.def.element };
  if (schema instanceof z.ZodMiniUnion) return { kind: "union", options: schema._zod.def.options };
  return { kind: "other" };
}
