import * as z from "zod/mini";

import { comparisonPattern } from "./comparison.ts";
import { durationPattern } from "./duration.ts";

const nonEmpty = z.string().check(z.minLength(1));
const name = z
  .string()
  .check(z.regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, "use letters, digits, dots, dashes and underscores"));
const duration = z
  .string()
  .check(z.minLength(1), z.regex(durationPattern, "write a duration such as 30s, 5m or 1h30m"));
const comparison = z
  .string()
  .check(z.regex(comparisonPattern, 'write an operator and a number, such as "> 85"'));
const httpUrl = z
  .string()
  .check(z.regex(/^https?:\/\/[^\s/]+/, "write a URL that begins with http:// or https://"));
const labelMap = z.record(z.string(), z.string());

/** A threshold: `"> 85"`, or with a `for` of its own. */
const threshold = z.union([
  comparison,
  z.strictObject({ when: comparison, for: z.optional(duration), keepFiringFor: z.optional(duration) }),
]);

const targetSchema = z.strictObject({
  name,
  prometheus: httpUrl,
  region: z.optional(nonEmpty),
  service: z.optional(nonEmpty),
  cluster: z.optional(nonEmpty),
  delay: z.optional(duration),
  ca: z.optional(nonEmpty),
  auth: z.optional(
    z.union([
      z.strictObject({ basic: z.strictObject({ username: nonEmpty, passwordSecret: nonEmpty }) }),
      z.strictObject({ bearer: z.strictObject({ tokenSecret: nonEmpty }) }),
    ]),
  ),
  assumeRole: z.optional(z.strictObject({ roleArn: nonEmpty, externalId: z.optional(nonEmpty) })),
  maxSamplesPerQuery: z.optional(z.number().check(z.int(), z.positive())),
});

const sloSchema = z.strictObject({
  objective: z.number().check(z.gt(0), z.lt(100)),
  errors: nonEmpty,
  total: nonEmpty,
  minimumEvents: z.optional(z.number().check(z.nonnegative())),
  period: z.optional(duration),
});

const probeSchema = z.strictObject({
  id: name,
  enabled: z.optional(z.boolean()),
  query: z.optional(nonEmpty),
  slo: z.optional(sloSchema),
  unit: z.optional(z.string()),
  warn: z.optional(threshold),
  fail: z.optional(threshold),
  for: z.optional(duration),
  keepFiringFor: z.optional(duration),
  every: z.optional(duration),
  step: z.optional(duration),
  noData: z.optional(z.enum(["unknown", "ok", "fail"])),
  staleAfter: z.optional(duration),
  guard: z.optional(z.union([nonEmpty, z.array(nonEmpty).check(z.minLength(1))])),
  labels: z.optional(labelMap),
  summary: z.optional(z.string()),
  description: z.optional(z.string()),
  runbook: z.optional(httpUrl),
  dashboard: z.optional(httpUrl),
  playbook: z.optional(name),
});

const notifySchema = z.strictObject({
  match: z.optional(labelMap),
  slack: z.optional(
    z
      .string()
      .check(
        z.regex(/^(#[^\s#@,]{1,80}|[CGD][A-Z0-9]{6,})$/, 'write a channel such as "#llm-ops" or its id'),
      ),
  ),
  webhookSecret: z.optional(nonEmpty),
  pagerduty: z.optional(nonEmpty),
});

const packSchema = z.union([
  name,
  z.strictObject({
    name,
    components: z.optional(z.array(name)),
    without: z.optional(z.array(name)),
  }),
]);

/** `sonde.yaml` as people write it. Durations, thresholds and templates are still text. */
export const configSchema = z.strictObject({
  $schema: z.optional(z.string()),
  targets: z.optional(z.array(targetSchema)),
  packs: z.optional(z.array(packSchema)),
  rules: z.optional(z.array(nonEmpty)),
  probes: z.optional(z.array(probeSchema)),
  notify: z.optional(z.array(notifySchema)),
  blindAfter: z.optional(z.number().check(z.int(), z.positive())),
  heartbeat: z.optional(httpUrl),
  langfuse: z.optional(z.looseObject({ url: httpUrl })),
  cost: z.optional(
    z.looseObject({
      currency: z.optional(nonEmpty),
      timezone: z.optional(nonEmpty),
      budgets: z.optional(z.array(z.looseObject({ tenant: nonEmpty, daily: z.optional(z.number()) }))),
      prices: z.optional(z.array(z.unknown())),
    }),
  ),
  remediation: z.optional(
    z.looseObject({
      mode: z.optional(z.enum(["off", "dry-run", "approve", "auto"])),
      approvers: z.optional(z.array(nonEmpty)),
      maxNodes: z.optional(z.number()),
      maxPercent: z.optional(z.number()),
    }),
  ),
});

export type SondeConfig = z.infer<typeof configSchema>;
export type ProbeConfig = z.infer<typeof probeSchema>;
export type TargetConfig = z.infer<typeof targetSchema>;
export type ThresholdConfig = z.infer<typeof threshold>;

/** A fault in the config: a path into it and one line that says what is wrong and what to write instead. */
export interface ConfigFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Checks a parsed `sonde.yaml`; unknown keys are faults that name the nearest known key. */
export function parseConfig(data: unknown): { config: SondeConfig } | { faults: ConfigFault[] } {
  const parsed = configSchema.safeParse(data ?? {});
  if (parsed.success) return { config: parsed.data };
  return { faults: parsed.error.issues.flatMap((issue) => explainIssue(issue, [], data)) };
}

type Issue = z.core.$ZodIssue;

function explainIssue(issue: Issue, parent: readonly (string | number)[], data: unknown): ConfigFault[] {
  const path = [...parent, ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part))];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: unknownKey(key, knownKeys(configSchema, path)),
      }));
    case "invalid_union": {
      // The branch that came furthest is the one that was meant.
      const branches = issue.errors
        .map((errors) => errors.flatMap((inner) => explainIssue(inner, path, data)))
        .filter((faults) => faults.length > 0);
      const depth = (faults: ConfigFault[]) => Math.max(...faults.map((fault) => fault.path.length));
      const best = branches.sort((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
      return best ?? [{ path, message: "is of no kind that fits here" }];
    }
    case "invalid_type":
      return [
        {
          path,
          message: valueAt(data, path) === undefined ? "is missing" : `must be ${article(issue.expected)}`,
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

function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    data,
  );
}

function article(expected: string): string {
  return expected === "object" ? "a mapping" : expected === "array" ? "a list" : `a ${expected}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  return `unknown key "${key}"; ${suggestName(key, known)}`;
}

/** The keys that the schema knows at a path of the data. */
function knownKeys(schema: unknown, path: readonly (string | number)[]): string[] {
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
  if (schema instanceof z.ZodMiniOptional) return unwrap(schema._zod.def.innerType);
  if (schema instanceof z.ZodMiniObject) return { kind: "object", shape: schema._zod.def.shape };
  if (schema instanceof z.ZodMiniArray) return { kind: "array", element: schema._zod.def.element };
  if (schema instanceof z.ZodMiniUnion) return { kind: "union", options: schema._zod.def.options };
  return { kind: "other" };
}

/** The word that takes the fewest edits to reach, if they are few enough to be a slip. */
function nearestWord(word: string, known: readonly string[]): string | null {
  const scored = known
    .map((candidate) => ({ candidate, edits: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return scored && scored.edits <= Math.max(1, Math.floor(word.length / 3)) ? scored.candidate : null;
}

/** "did you mean" for a name that is not known, or the names that there are. */
export function suggestName(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest ? `did you mean "${nearest}"?` : `there are: ${known.join(", ") || "none"}`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const at = (i: number, j: number) => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          at(i - 1, j - 1) + (same ? 0 : 1),
          at(i - 1, j) + 1,
          at(i, j - 1) + 1,
          swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
