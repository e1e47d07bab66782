import { aliasesIn, guardSelectors, replaceAliases, replaceGuardAliases } from "./aliases.ts";
import type { AliasChoice, Guard, Probe, Variant } from "./probe.ts";
import type { InstantSeries } from "./series.ts";

/** When each name was last seen. Unix milliseconds. */
type LastSeen = Readonly<Record<string, number>>;

/** Which names a target has. Plain JSON, so that it can be kept between rounds. */
export interface FoundNames {
  readonly foundAt: number;
  readonly metrics: LastSeen;
  /** By question, the spellings of a label that series of its metric carry. */
  readonly labels: Readonly<Record<string, LastSeen>>;
}

/** What to ask a target, once, so that the names of all probes can be chosen. */
export interface LookupPlan {
  /** Instant queries, each of a few KB at most. */
  readonly queries: readonly string[];
  readonly spellings: readonly Spelling[];
}

/** One spelling of a label that a metric may carry. */
interface Spelling {
  readonly question: string;
  readonly label: string;
  readonly metrics: readonly string[];
}

/** A name that a probe cannot do without, and all the names that were looked for. */
export interface MissingAlias {
  readonly alias: string;
  readonly names: readonly string[];
}

/** A probe's query with the target's own names; or what is missing, and one line on what would bring it. */
export type Resolution =
  | { readonly query: string; readonly guard: Guard; readonly budget?: string }
  | { readonly missing: readonly MissingAlias[]; readonly hint: string };

const maxQueryLength = 3_000;
const rememberFor = 24 * 3_600_000;
const spellingLabel = "sonde_spelling";

/** Plans the lookup of every metric name and label spelling that the probes could use. */
export function planLookup(probes: readonly Pick<Probe, "aliases">[]): LookupPlan {
  const metrics = new Set<string>();
  const spellings = new Map<string, Spelling>();
  for (const { aliases } of probes) {
    for (const choice of Object.values(aliases)) {
      if (choice.kind === "metric") for (const name of choice.names) metrics.add(name);
      else {
        const question = labelQuestion(choice, aliases);
        for (const label of choice.names)
          spellings.set(`${question} ${label}`, { question, label, metrics: metricsOf(choice, aliases) });
      }
    }
  }
  const asked = [...spellings.values()];
  return {
    queries: [
      ...chunk([...metrics].sort().map(escapeRegex), "|").map(
        (names) => `count by (__name__) ({__name__=~"${names}"})`,
      ),
      ...chunk(asked.map(spellingQuery), " or "),
    ],
    spellings: asked,
  };
}

function spellingQuery({ label, metrics }: Spelling, index: number): string {
  const selector = `{__name__=~"${metrics.map(escapeRegex).join("|")}",${label}!=""}`;
  return `label_replace(group(${selector}),"${spellingLabel}","${index}","","")`;
}

/**
 * Reads the answers of a plan's queries, in any order. What an earlier lookup saw is remembered for a day: an
 * exporter that is down, or has had nothing to count since it started, has not changed its names.
 */
export function readLookup(
  plan: LookupPlan,
  answers: readonly (readonly InstantSeries[])[],
  before: FoundNames = { foundAt: 0, metrics: {}, labels: {} },
): FoundNames {
  const series = answers.flat();
  const foundAt = Math.max(before.foundAt, ...series.map(({ sample }) => sample.t));
  const metrics: Record<string, number> = {};
  const labels: Record<string, Record<string, number>> = {};
  for (const { labels: found } of series) {
    if (found.__name__ !== undefined) metrics[found.__name__] = foundAt;
    const spelling = plan.spellings[Number(found[spellingLabel] ?? -1)];
    if (!spelling) continue;
    labels[spelling.question] = { ...labels[spelling.question], [spelling.label]: foundAt };
  }
  const questions = new Set([...Object.keys(before.labels), ...Object.keys(labels)]);
  return {
    foundAt,
    metrics: remember(before.metrics, metrics, foundAt),
    labels: Object.fromEntries(
      [...questions].map((question) => [
        question,
        remember(before.labels[question] ?? {}, labels[question] ?? {}, foundAt),
      ]),
    ),
  };
}

function remember(before: LastSeen, seen: LastSeen, foundAt: number): LastSeen {
  const kept = Object.entries(before).filter(([, at]) => foundAt - at < rememberFor);
  return { ...Object.fromEntries(kept), ...seen };
}

/**
 * Writes the target's names into a probe: of each alias the first name that is there, never two, and the
 * first variant that needs no name which is not. A label that no series carries keeps its first spelling,
 * which changes nothing in `by ()`.
 */
export function resolveProbe(
  probe: Pick<Probe, "variants" | "aliases" | "source">,
  found: FoundNames,
): Resolution {
  const { variants, aliases } = probe;
  const lacking = variants.map((variant) => ({ variant, missing: missingNames(variant, aliases, found) }));
  const usable = lacking.find(({ missing }) => missing.length === 0);
  if (usable) {
    const { query, guard, budget } = usable.variant;
    const names = chooseNames(aliasesOf(usable.variant), aliases, found);
    return {
      query: replaceAliases(query, names),
      guard: replaceGuardAliases(guard, names),
      ...(budget === undefined ? {} : { budget: replaceAliases(budget, names) }),
    };
  }
  const told = lacking.filter(({ variant }) => !variant.recorded);
  const nearest = [...told].sort((a, b) => a.missing.length - b.missing.length)[0];
  const advice = probe.source.kind === "pack" ? probe.source.hint : "";
  const wanted = [...new Set(withoutSupersets(told).map(describeMissing))].join("; or ");
  return {
    missing: nearest?.missing ?? [],
    hint: `not on this target: ${wanted}${advice ? `. ${advice}` : ""}`,
  };
}

interface Lacking {
  readonly variant: Variant;
  readonly missing: readonly MissingAlias[];
}

/** A variant that lacks all that another lacks, and more, is no way out. */
function withoutSupersets(lacking: readonly Lacking[]): readonly Lacking[] {
  const names = ({ missing }: Lacking) => missing.map(({ alias }) => alias);
  return lacking.filter((one) =>
    lacking.every(
      (other) =>
        other.missing.length >= one.missing.length ||
        !names(other).every((name) => names(one).includes(name)),
    ),
  );
}

/** The missing names in words; what only the guard lacks is told where the query lacks nothing. */
function describeMissing({ variant, missing }: Lacking): string {
  const asked = new Set(aliasesIn(variant.query));
  const inQuery = missing.filter(({ alias }) => asked.has(alias));
  return (inQuery.length > 0 ? inQuery : missing)
    .map(({ names: [first, second, ...others] }) => {
      if (second === undefined) return first;
      return others.length === 0
        ? `${first} or ${second}`
        : `${first} or ${others.length + 1} other names of it`;
    })
    .join(", ");
}

function aliasesOf({ query, guard, recorded = [] }: Variant): string[] {
  return [...new Set([...[query, ...guardSelectors(guard)].flatMap(aliasesIn), ...recorded])];
}

/** Texts that belong together, with the target's own names, as `resolveProbe` would write them. */
export function resolveTexts(
  texts: readonly string[],
  aliases: Probe["aliases"],
  found: FoundNames,
): readonly string[] {
  const names = chooseNames([...new Set(texts.flatMap(aliasesIn))], aliases, found);
  return texts.map((text) => replaceAliases(text, names));
}

function missingNames(variant: Variant, aliases: Probe["aliases"], found: FoundNames): MissingAlias[] {
  return aliasesOf(variant).flatMap((alias) => {
    const choice = aliases[alias];
    const needed = choice?.kind === "metric" && !choice.optional;
    return needed && !pick(choice.names, found.metrics, found.foundAt)
      ? [{ alias, names: choice.names }]
      : [];
  });
}

function chooseNames(
  used: readonly string[],
  aliases: Probe["aliases"],
  found: FoundNames,
): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  const unborn: [string, AliasChoice][] = [];
  for (const alias of used) {
    const choice = aliases[alias];
    if (!choice) continue;
    const seen = choice.kind === "metric" ? found.metrics : found.labels[labelQuestion(choice, aliases)];
    const name = pick(choice.names, seen ?? {}, found.foundAt);
    if (name) chosen[alias] = name;
    else unborn.push([alias, choice]);
  }
  const present = Object.values(chosen);
  for (const [alias, choice] of unborn)
    chosen[alias] = choice.kind === "metric" ? mostAlike(choice.names, present) : (choice.names[0] ?? alias);
  return chosen;
}

/** A counter that is not born yet will be called like its family: the name most like those that are there. */
function mostAlike(names: readonly string[], present: readonly string[]): string {
  const likeness = (name: string) => Math.max(0, ...present.map((other) => commonPrefix(name, other)));
  return names.reduce((best, name) => (likeness(name) > likeness(best) ? name : best));
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/** The first name that the last lookup saw, else the first that an earlier one did. */
function pick(names: readonly string[], seen: LastSeen, foundAt: number): string | undefined {
  return names.find((name) => seen[name] === foundAt) ?? names.find((name) => seen[name] !== undefined);
}

function labelQuestion(choice: AliasChoice, aliases: Probe["aliases"]): string {
  return `${choice.names.join("|")} of ${metricsOf(choice, aliases).join("|")}`;
}

function metricsOf({ of }: AliasChoice, aliases: Probe["aliases"]): readonly string[] {
  if (of === undefined) return [];
  return of.startsWith("$") ? (aliases[of.slice(1)]?.names ?? []) : [of];
}

/** Joins parts into texts of at most a few KB each. */
function chunk(parts: readonly string[], separator: string): string[] {
  const texts: string[] = [];
  let text = "";
  for (const part of parts) {
    if (text && text.length + separator.length + part.length > maxQueryLength) {
      texts.push(text);
      text = "";
    }
    text += text ? separator + part : part;
  }
  return text ? [...texts, text] : texts;
}

/** For a regex inside PromQL's double quotes, where a backslash is written twice. */
function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\\\$&").replaceAll('"', '\\"');
}
