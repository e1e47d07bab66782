import * as z from "zod/mini";

import { sloSchema } from "./config.ts";
import type { AliasChoice, Aliases } from "./probe.ts";

const names = z.array(z.string()).check(z.minLength(1));
const threshold = z.union([
  z.string(),
  z.strictObject({ when: z.string(), for: z.optional(z.string()), keepFiringFor: z.optional(z.string()) }),
]);
const query = z.union([
  z.string(),
  z.strictObject({ query: z.string(), guard: z.optional(z.union([z.string(), names])) }),
]);

const packProbeSchema = z.strictObject({
  id: z.string(),
  /** Its number in the catalogue, such as V-01. */
  catalogue: z.string(),
  /** One query, or several ways to ask, best first: the first whose names the target has is used. */
  query: z.optional(z.union([query, z.array(query).check(z.minLength(1))])),
  /** Instead of a query: an objective, as config writes it, over the file's `$aliases`. */
  slo: z.optional(sloSchema),
  /** Of an SLO: what must be fresh for it to be judged. */
  guard: z.optional(z.union([z.string(), names])),
  /** Where every returned sample is a breach, as in a Prometheus rule. Instead of warn and fail. */
  breach: z.optional(z.strictObject({ level: z.enum(["warn", "fail"]), for: z.optional(z.string()) })),
  unit: z.optional(z.string()),
  warn: z.optional(threshold),
  fail: z.optional(threshold),
  for: z.optional(z.string()),
  keepFiringFor: z.optional(z.string()),
  every: z.optional(z.string()),
  step: z.optional(z.string()),
  noData: z.optional(z.enum(["unknown", "ok", "fail"])),
  staleAfter: z.optional(z.string()),
  labels: z.optional(z.record(z.string(), z.string())),
  summary: z.string(),
  description: z.optional(z.string()),
  runbook: z.optional(z.string()),
  playbook: z.optional(z.string()),
  groupBy: z.optional(names),
  /** False for probes that need an opt-in: they run only where config names them. */
  enabled: z.optional(z.boolean()),
  /** What would bring the metric: exporter, version or scrape setting. Overrides the component's. */
  hint: z.optional(z.string()),
});

/** A series worth recording for dashboards, under a name that does not change with the exporter. */
const recordingSchema = z.strictObject({ record: z.string(), query: z.string() });

const matchSchema = z.record(z.string(), z.union([z.string(), names]));

/** One file of a pack: the probes of one component, and the names that its metrics and labels go by. */
export const packFileSchema = z.strictObject({
  component: z.string(),
  title: z.string(),
  hint: z.string(),
  /** Spellings of a prefix, best first: a name `{vllm}x` below stands for x after each of them. */
  prefixes: z.optional(z.record(z.string(), names)),
  /**
   * What `$alias` may stand for, best first. An optional metric is one that is born with its first event,
   * such as an error counter: a probe is asked without it, and its query must say what its absence means.
   */
  metrics: z.record(z.string(), z.union([names, z.strictObject({ names, optional: z.literal(true) })])),
  labels: z.optional(z.record(z.string(), z.strictObject({ names, of: z.string() }))),
  probes: z.array(packProbeSchema),
  recordings: z.optional(z.array(recordingSchema)),
  /** Which incidents follow from which, as in Alertmanager. */
  inhibit: z.optional(
    z.array(z.strictObject({ source: matchSchema, mutes: matchSchema, equal: z.optional(names) })),
  ),
});

export type PackProbe = z.infer<typeof packProbeSchema>;

/** The names of one metric, prefixes written out. */
export interface PackMetric {
  readonly names: readonly string[];
  readonly optional: boolean;
}

type Parsed = z.infer<typeof packFileSchema>;
export interface PackFile extends Omit<Parsed, "metrics" | "prefixes"> {
  readonly metrics: Readonly<Record<string, PackMetric>>;
}

/** A pack: a name and its components, data only. */
export interface Pack {
  readonly name: string;
  readonly components: readonly PackFile[];
}

/** What the `$aliases` of a component's queries may stand for. */
export function packAliases({ metrics, labels = {} }: PackFile): Aliases {
  const entries: [string, AliasChoice][] = [
    ...Object.entries(metrics).map(([alias, metric]): [string, AliasChoice] => [
      alias,
      { kind: "metric", ...metric },
    ]),
    ...Object.entries(labels).map(([alias, label]): [string, AliasChoice] => [
      alias,
      { kind: "label", ...label },
    ]),
  ];
  return Object.fromEntries(entries);
}

/** Checks one pack file; throws an Error that names the file and the place. */
export function parsePackFile(file: string, data: unknown): PackFile {
  const parsed = packFileSchema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(`${file} is not a pack at ${issue?.path.join(".")}: ${issue?.code} ${issue?.message}`);
  }
  const { metrics, prefixes = {}, ...rest } = parsed.data;
  const written = Object.entries(metrics).map(([alias, metric]): [string, PackMetric] => {
    const all = Array.isArray(metric) ? metric : metric.names;
    return [
      alias,
      { names: all.flatMap((name) => spell(file, name, prefixes)), optional: !Array.isArray(metric) },
    ];
  });
  return { ...rest, metrics: Object.fromEntries(written) };
}

function spell(file: string, name: string, prefixes: Readonly<Record<string, readonly string[]>>): string[] {
  const [, prefix, rest] = /^\{(\w+)\}(.+)$/.exec(name) ?? [];
  if (prefix === undefined) return [name];
  const spellings = prefixes[prefix];
  if (!spellings) throw new Error(`${file}: "${name}" begins with a prefix that the file does not declare`);
  return spellings.map((spelling) => `${spelling}${rest}`);
}
