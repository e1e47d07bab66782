import * as z from "zod/mini";

import { type ConfigFault, suggestName } from "./config.ts";

type Path = ConfigFault["path"];

const shapes: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
};

/** What a schema found wrong, in the words of config's faults; unknown keys name the nearest known one. */
export function schemaFaults(schema: unknown, error: z.core.$ZodError, base: Path = []): ConfigFault[] {
  return error.issues.flatMap((issue) => {
    const inside = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    const path = [...base, ...inside];
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(schema, inside);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown key; ${suggestName(key, known)}`,
      }));
    }
    // The unions of these files are all of scalars: text that YAML may have read as a number.
    if (issue.code === "invalid_union") return [{ path, message: "must be text" }];
    if (issue.code === "invalid_type")
      return [{ path, message: `must be ${shapes[issue.expected] ?? `a ${issue.expected}`}` }];
    if (issue.code === "invalid_value")
      return [{ path, message: `must be one of ${issue.values.join(", ")}` }];
    return [{ path, message: issue.message }];
  });
}

/** `groups[0].rules[1].expr: ` in front of a message; nothing for the root. */
export function describePath(path: Path): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text === "" ? "" : `${text.replace(/^\./, "")}: `;
}

function knownKeys(schema: unknown, path: Path): string[] {
  const [head, ...rest] = path;
  if (schema instanceof z.ZodMiniOptional || schema instanceof z.ZodMiniNullable)
    return knownKeys(schema._zod.def.innerType, path);
  if (schema instanceof z.ZodMiniArray) return knownKeys(schema._zod.def.element, rest);
  if (!(schema instanceof z.ZodMiniObject)) return [];
  const shape: Readonly<Record<string, unknown>> = schema._zod.def.shape;
  return head === undefined ? Object.keys(shape) : knownKeys(shape[head], rest);
}
