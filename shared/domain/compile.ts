import { aliasesIn, guardSelectors } from "./aliases.ts";
import { type Comparison, parseComparison } from "./comparison.ts";
import { compileLogBackends, compileTraceBackends } from "./compile-backends.ts";
import { compileCompletions } from "./compile-completion.ts";
import { compileLangfuse } from "./compile-langfuse.ts";
import { compilePolicy } from "./compile-policy.ts";
import { compileVariant } from "./compile-query.ts";
import { compileRuleFile } from "./compile-rules.ts";
import { compileSlo } from "./compile-slo.ts";
import { compileTargets } from "./compile-target.ts";
import { compileAlertPath, compileWritePath } from "./compile-target-paths.ts";
import type { NetworkConfig, ProbeConfig, SondeConfig, ThresholdConfig } from "./config.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { expandPacks, type PackedProbe } from "./expand-pack.ts";
import type { ConfigFault } from "./faults.ts";
import { alertmanagerProbe, blindProbe, stormProbe } from "./incident.ts";
import type { Network } from "./network.ts";
import type { Pack } from "./pack.ts";
import type { CompiledConfig, Level, LevelName, Probe, Target } from "./probe.ts";
import { allChannels } from "./routes.ts";
import { compileSlackAccess } from "./slack-access.ts";
import { checkTemplate } from "./template.ts";
import type { CompiledTransaction } from "./transactions/compiled.ts";
import { longestTimeout } from "./transactions/transaction-state.ts";
import { suggestName } from "./words.ts";

/** What config refers to, already read: packs by name, rule files and certificates by path. */
export interface ConfigSources {
  readonly packs: readonly Pack[];
  readonly ruleFiles: readonly { readonly file: string; readonly data: unknown }[];
  readonly certificates: Readonly<Record<string, string>>;
}

/**
 * The config ready to run, without its faulty parts; what is wrong with those; and notes on what will not do
 * what its author may expect.
 */
export interface CompileResult {
  readonly compiled: CompiledConfig;
  readonly faults: readonly ConfigFault[];
  readonly notes: readonly ConfigFault[];
}

const defaults = {
  every: 60_000,
  step: 30_000,
  /** An SLO's shortest window is minutes long. */
  sloStep: 60_000,
  /** Three scrapes at the slowest usual interval; under the look-back of five minutes, or it could not be seen. */
  staleAfter: 180_000,
} as const;

/** A round takes a moment, and writes state each time. */
const shortestEvery = 5_000;

/** How long Prometheus and AMP repeat a series' last sample. */
const lookBack = 300_000;

/** A range query answers at most 11,000 points a series. */
const maxPoints = 10_000;

/** Checks what the schema cannot, expands packs and rule files, and takes durations and thresholds apart. */
export function compileConfig(config: SondeConfig, sources: ConfigSources): CompileResult {
  const faults: ConfigFault[] = [];
  const notes: ConfigFault[] = [];
  const targets = compileTargets(config.targets ?? [], sources.certificates, faults);
  const packed = expandPacks(config, sources.packs, faults);
  const probes = packed
    .filter(({ probe }) => probe.enabled !== false)
    .flatMap((entry) => {
      const own: ConfigFault[] = [];
      const probe = compileProbe(entry, own, notes);
      faults.push(...own);
      return probe && own.length === 0 ? [probe] : [];
    });
  refuseIds(probes, faults);
  const taken = new Set(probes.map(({ id }) => id));
  for (const { file, data } of sources.ruleFiles)
    for (const rule of compileRuleFile(file, data, faults)) {
      const id = freeId(rule.id, taken);
      taken.add(id);
      probes.push({ ...rule, id });
    }
  const transactions = [
    ...(config.langfuse
      ? compileLangfuse(config.langfuse, targets, sources.certificates, faults, notes)
      : []),
    ...compileTraceBackends(config.traces ?? [], targets, sources.certificates, faults, notes),
    ...compileLogBackends(config.logs ?? [], targets, sources.certificates, faults),
    ...compileCompletions(
      config.completion ?? [],
      targets,
      sources.certificates,
      faults,
      notes,
      config.langfuse !== undefined && config.langfuse.enabled !== false,
    ),
    ...(config.writePath ? compileWritePath(config.writePath, targets, faults) : []),
    ...(config.alertPath ? compileAlertPath(config.alertPath, targets, faults) : []),
  ];
  refuseTransactionIds(transactions, taken, faults);
  refuseLongRuns(transactions, faults);
  const incidents = compilePolicy(config, probes, sources.packs, faults, notes);
  for (const key of ["cost", "remediation"] as const) {
    if (config[key] !== undefined) notes.push({ path: [key], message: "is accepted, and does nothing yet" });
  }
  const compiled: CompiledConfig = {
    version: 1,
    targets,
    probes,
    transactions,
    writeResultsTo: compileWriteTo(config.transactions?.writeTo, targets, transactions, faults, notes),
    incidents,
    slack: compileSlackAccess(config.slack, allChannels(incidents.routes), faults, notes),
    heartbeat: config.heartbeat ?? "",
    network: config.network ? compileNetwork(config.network, transactions, notes) : null,
  };
  return { compiled, faults, notes };
}

function compileWriteTo(
  name: string | undefined,
  targets: readonly Target[],
  transactions: readonly CompiledTransaction[],
  faults: ConfigFault[],
  notes: ConfigFault[],
): string {
  if (name === undefined) return "";
  const path = ["transactions", "writeTo"];
  const names = targets.map((target) => target.name);
  if (!names.includes(name)) {
    faults.push({ path, message: `no target is called "${name}": ${suggestName(name, names)}` });
    return "";
  }
  if (transactions.length === 0) notes.push({ path, message: "writes nothing: there are no transactions" });
  return name;
}

/** What one invocation has no time for would never run. */
function refuseLongRuns(transactions: readonly CompiledTransaction[], faults: ConfigFault[]): void {
  for (const compiled of transactions)
    if (compiled.timeout > longestTimeout)
      faults.push({
        path: [sectionOf(compiled)],
        message: `${compiled.id} takes up to ${formatDuration(compiled.timeout)}, and may take ${formatDuration(longestTimeout)} with all that belongs to it: shorten its patience or timeout`,
      });
}

function sectionOf(compiled: CompiledTransaction): keyof SondeConfig {
  switch (compiled.kind) {
    case "trace":
      return compiled.provider === "langfuse" ? "langfuse" : "traces";
    case "log":
      return "logs";
    case "completion":
      return "completion";
    case "write-path":
      return "writePath";
    case "alert-path":
      return "alertPath";
  }
}

function compileNetwork(
  { subnets, securityGroups, functions = ["run-transactions"] }: NetworkConfig,
  transactions: readonly CompiledTransaction[],
  notes: ConfigFault[],
): Network {
  if (transactions.length === 0 && functions.every((name) => name === "run-transactions"))
    notes.push({
      path: ["network"],
      message: "attaches nothing: there are no transactions; functions: [run-probes] is for the rounds",
    });
  return {
    subnets: [...new Set(subnets)],
    securityGroups: [...new Set(securityGroups)],
    functions: [...new Set(functions)],
  };
}

/** Incidents know a probe by its id, whatever asked. */
function refuseTransactionIds(
  transactions: readonly CompiledTransaction[],
  taken: ReadonlySet<string>,
  faults: ConfigFault[],
): void {
  for (const { id } of transactions)
    if (taken.has(id))
      faults.push({
        path: ["probes"],
        message: `"${id}" is the id of a transaction: give the probe another one`,
      });
}

function compileProbe(packed: PackedProbe, faults: ConfigFault[], notes: ConfigFault[]): Probe | null {
  const { probe, path, pack, aliases, breach } = packed;
  const question = probe.slo ? askSlo(packed, faults, notes) : askQuery(packed, faults);
  if (!question) return null;
  const { variants, levels } = question;
  const every = probe.every ? parseDuration(probe.every) : defaults.every;
  const step = Math.min(probe.step ? parseDuration(probe.step) : question.step, every);
  const texts = variants.flatMap(({ query, guard }) => [query, ...guardSelectors(guard)]);
  const used = new Set(texts.flatMap(aliasesIn));
  const longest = Math.max(0, ...levels.map((level) => level.for + level.keepFiringFor));
  if (step <= 0 || every <= 0)
    faults.push({ path: [...path, "every"], message: "every and step must be longer than nothing" });
  else if (every < shortestEvery)
    faults.push({ path: [...path, "every"], message: "is shorter than 5s, the quickest that rounds go" });
  else if (longest / step > maxPoints)
    faults.push({
      path: [...path, "step"],
      message: `for over step asks for more than ${maxPoints} points: take a longer step`,
    });
  if (probe.noData === "fail" && !levels.some((one) => one.level === "fail"))
    faults.push({
      path: [...path, "noData"],
      message: "is fail, which needs a fail threshold to say for how long",
    });
  if (probe.staleAfter && parseDuration(probe.staleAfter) > lookBack)
    notes.push({
      path: [...path, "staleAfter"],
      message: "is longer than the five minutes that a server looks back: older samples are never seen",
    });
  checkTexts(probe, path, faults);
  return {
    id: probe.id,
    kind: question.slo ? "slo" : breach ? "rule" : "promql",
    variants,
    aliases: { ...withLabelMetrics(aliases, used), ...question.recorded },
    unit: question.slo ? "x" : (probe.unit ?? ""),
    levels,
    every,
    step,
    noData: probe.noData ?? "unknown",
    staleAfter: probe.staleAfter ? parseDuration(probe.staleAfter) : defaults.staleAfter,
    labels: probe.labels ?? {},
    summary: probe.summary ?? "",
    description: probe.description ?? "",
    runbook: probe.runbook ?? "",
    dashboard: probe.dashboard ?? "",
    playbook: probe.playbook ?? "",
    ...(probe.groupBy ? { groupBy: probe.groupBy } : {}),
    source: pack ?? { kind: "config" },
    ...(question.slo ? { slo: question.slo } : {}),
  };
}

/** What a probe asks, and when the answer is a breach. */
interface Question {
  readonly variants: Probe["variants"];
  readonly levels: readonly Level[];
  /** The names that generated rules record under. */
  readonly recorded: Probe["aliases"];
  readonly slo: Probe["slo"];
  readonly step: number;
}

function askQuery({ probe, path, queries, breach }: PackedProbe, faults: ConfigFault[]): Question | null {
  const asked = probe.query ? [{ query: probe.query, guard: probe.guard }] : queries;
  if (asked.length === 0) {
    faults.push({
      path: [...path, "query"],
      message: `is missing, and no pack in use has a probe "${probe.id}"`,
    });
    return null;
  }
  const variants = asked.flatMap((variant) => compileVariant(variant, path, faults) ?? []);
  if (variants.length === 0) return null;
  return {
    variants,
    levels: compileLevels(probe, breach),
    recorded: {},
    slo: undefined,
    step: defaults.step,
  };
}

function askSlo(
  { probe, path, queries }: PackedProbe,
  faults: ConfigFault[],
  notes: ConfigFault[],
): Question | null {
  if (probe.query || queries.length > 0) {
    faults.push({
      path: [...path, "slo"],
      message: `stands beside a query: a probe asks one of them; give the ${probe.query ? "query" : "SLO"} an id of its own`,
    });
    return null;
  }
  for (const key of ["warn", "fail", "unit"] as const) {
    if (probe[key] !== undefined)
      faults.push({
        path: [...path, key],
        message: "is not for SLOs: what burns too fast is told by page and ticket",
      });
  }
  const compiled = compileSlo(probe.id, probe.slo ?? {}, probe.guard, path, faults, notes);
  if (!compiled) return null;
  const { slo, variants, recorded } = compiled;
  const levels = (["warn", "fail"] as const).flatMap((name) =>
    slo.pairs.some((pair) => pair.level === name) ? [level(name, { op: ">", bound: 1 }, probe)] : [],
  );
  return { variants, levels, recorded, slo, step: defaults.sloStep };
}

/** A label's spelling is looked up on a metric, which must then be resolvable too. */
function withLabelMetrics(aliases: Probe["aliases"], used: ReadonlySet<string>): Probe["aliases"] {
  const chosen = Object.entries(aliases).filter(([name]) => used.has(name));
  const more = chosen.flatMap(([, choice]) => (choice.of?.startsWith("$") ? [choice.of.slice(1)] : []));
  const extra = more.flatMap((name) => (aliases[name] ? [[name, aliases[name]] as const] : []));
  return Object.fromEntries([...chosen, ...extra]);
}

function checkTexts(probe: ProbeConfig, path: ConfigFault["path"], faults: ConfigFault[]): void {
  const texts = [
    ["summary", probe.summary],
    ["description", probe.description],
  ] as const;
  for (const [key, text] of texts) {
    const fault = text ? checkTemplate(text) : null;
    if (fault) faults.push({ path: [...path, key], message: fault });
  }
}

function compileLevels(probe: ProbeConfig, breach: PackedProbe["breach"]): Level[] {
  const shared = { for: probe.for, keepFiringFor: probe.keepFiringFor };
  if (breach) {
    return [level(breach.level, "any", { for: probe.for ?? breach.for, keepFiringFor: probe.keepFiringFor })];
  }
  return (["warn", "fail"] as const).flatMap((name) => {
    const threshold = probe[name];
    return threshold === undefined ? [] : [thresholdLevel(name, threshold, shared)];
  });
}

interface Patience {
  readonly for?: string | undefined;
  readonly keepFiringFor?: string | undefined;
}

function thresholdLevel(name: LevelName, threshold: ThresholdConfig, shared: Patience): Level {
  if (typeof threshold === "string") return level(name, parseComparison(threshold), shared);
  return level(name, parseComparison(threshold.when), {
    for: threshold.for ?? shared.for,
    keepFiringFor: threshold.keepFiringFor ?? shared.keepFiringFor,
  });
}

function level(name: LevelName, when: Comparison | "any", patience: Patience): Level {
  return {
    level: name,
    when,
    for: patience.for ? parseDuration(patience.for) : 0,
    keepFiringFor: patience.keepFiringFor ? parseDuration(patience.keepFiringFor) : 0,
  };
}

function refuseIds(probes: readonly Probe[], faults: ConfigFault[]): void {
  const seen = new Set<string>();
  for (const { id } of probes) {
    if (seen.has(id))
      faults.push({ path: ["probes"], message: `two probes are called "${id}"; every id must be its own` });
    if (isReserved(id))
      faults.push({ path: ["probes"], message: `no probe can be called "${id}": take another id` });
    seen.add(id);
  }
}

/** Sonde's own incidents, and names that every JavaScript object answers to. */
function isReserved(id: string): boolean {
  return [blindProbe, stormProbe, alertmanagerProbe].includes(id) || id in {};
}

/** Rule files are taken as they are: an alert whose name is taken by another is called `Name-2`, `Name-3`. */
function freeId(id: string, taken: ReadonlySet<string>): string {
  const isFree = (candidate: string) => !taken.has(candidate) && !isReserved(candidate);
  if (isFree(id)) return id;
  let count = 2;
  while (!isFree(`${id}-${count}`)) count++;
  return `${id}-${count}`;
}
