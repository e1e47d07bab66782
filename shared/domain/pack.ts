import * as z from "zod/mini";

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
  query: z.union([query, z.array(query).check(z.minLength(1))]),
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
  /** False for probes that need an opt-in: they run only where config names them. */
  enabled: z.optional(z.boolean()),
  /** What would bring the metric: exporter, version or scrape setting. Overrides the component's. */
  hint: z.optional(z.string()),
});

/** One file of a pack: the probes of one component, and the names that its metrics and labels go by. */
export const packFileSchema = z.strictObject({
  component: z.string(),
  title: z.string(),
  hint: z.string(),
  metrics: z.record(z.string(), names),
  labels: z.optional(z.record(z.string(), z.strictObject({ names, of: z.string() }))),
  probes: z.array(packProbeSchema),
});

export type PackFile = z.infer<typeof packFileSchema>;
export type PackProbe = z.infer<typeof packProbeSchema>;

/** A pack: a name and its components, data only. */
export interface Pack {
  readonly name: string;
  readonly components: readonly PackFile[];
}

/** Checks one pack file; throws an Error that names the file and the place. */
export function parsePackFile(file: string, data: unknown): PackFile {
  const parsed = packFileSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(`${file} is not a pack at ${issue?.path.join(".")}: ${issue?.code} ${issue?.message}`);
}
