import { formatComparison } from "../../shared/domain/comparison.ts";
import { formatDuration } from "../../shared/domain/duration.ts";
import type { Pack } from "../../shared/domain/pack.ts";
import type { Level, LevelName } from "../../shared/domain/probe.ts";
import type { Outcome, Trial } from "./try-probes.ts";

export interface Starter {
  readonly target: { readonly name: string; readonly url: string; readonly region?: string };
  readonly pack: Pack;
  readonly trials: readonly Trial[];
  readonly jobs: readonly string[];
  /** Unix milliseconds. */
  readonly now: number;
}

/** How a component fared: which of its probes can be asked here. */
export interface ComponentFound {
  readonly component: string;
  readonly title: string;
  readonly hint: string;
  readonly trials: readonly Trial[];
  /** Something of it answers on this target. */
  readonly here: boolean;
}

export function componentsOf(pack: Pack, trials: readonly Trial[]): ComponentFound[] {
  return pack.components.map(({ component, title, hint }) => {
    const own = trials.filter(
      ({ probe }) => probe.source.kind === "pack" && probe.source.component === component,
    );
    const here = own.some(({ outcome }) => outcome.kind === "answers" || outcome.kind === "idle");
    return { component, title, hint, trials: own, here };
  });
}

export function works({ outcome }: Trial): boolean {
  return outcome.kind === "answers" || outcome.kind === "idle" || outcome.kind === "quiet";
}

/** The text of a starter sonde.yaml: what works here is on, what does not is off, with the reason beside it. */
export function starterText(starter: Starter): string {
  const components = componentsOf(starter.pack, starter.trials);
  const here = components.filter((component) => component.here);
  const sections = [
    header(starter),
    targetSection(starter),
    packSection(starter.pack.name, components),
    probesSection(here, starter.jobs, starter.pack),
    workingSection(here),
    notifySection,
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function header({ target, now }: Starter): string {
  const day = new Date(now).toISOString().slice(0, 10);
  return [
    ...comment(`Written by \`sonde init\` on ${day}, from what ${target.url} exposed then.`),
    ...comment("Check it with `sonde validate --target`, try it with `sonde probe`."),
  ].join("\n");
}

function targetSection({ target }: Starter): string {
  const lines = ["targets:", `  - name: ${quote(target.name)}`, `    prometheus: ${quote(target.url)}`];
  if (target.region) lines.push(`    region: ${quote(target.region)}`);
  lines.push("    # cluster: my-cluster          # the EKS cluster that remediation may touch");
  return lines.join("\n");
}

function packSection(pack: string, components: readonly ComponentFound[]): string {
  const here = components.filter((component) => component.here);
  if (here.length === 0) return ["# Nothing of the pack was found here.", `packs: [${pack}]`].join("\n");
  const away = components.filter((component) => !component.here);
  return [
    "packs:",
    `  - name: ${pack}`,
    "    # Named components must be heard: their silence is an incident even if they never spoke.",
    "    components:",
    ...here.map(
      ({ component, title, trials }) =>
        `      - ${component.padEnd(24)}# ${title}: ${trials.filter(works).length} of ${trials.length} probes work`,
    ),
    ...(away.length === 0 ? [] : ["      # Not found here:"]),
    ...away.flatMap(({ component, title, hint }) => [
      `      # - ${component.padEnd(22)}# ${title}`,
      ...comment(hint, "      #     "),
    ]),
  ].join("\n");
}

function probesSection(here: readonly ComponentFound[], jobs: readonly string[], pack: Pack): string {
  const trials = here.flatMap((component) => component.trials);
  const capped = trials.filter((trial) => works(trial) && trial.ceilings.length > 0);
  const off = here.flatMap(({ hint, trials: own }) =>
    own.filter((trial) => !works(trial)).map((trial) => ({ trial, reason: reasonOff(trial, hint) })),
  );
  const lines = [
    ...(capped.length === 0
      ? []
      : ["  # Lowered: a quantile never exceeds its histogram's highest bucket on this target."]),
    ...capped.flatMap(loweredProbe),
    ...(off.length === 0 ? [] : ["  # Off, because they cannot be asked here:"]),
    ...off.flatMap(({ trial, reason }) => [
      ...comment(reason, "  # "),
      `  - { id: ${trial.probe.id}, enabled: false }`,
    ]),
    ...(jobs.length === 0 ? [] : jobLines(jobs)),
  ];
  const slos = sloLines(here, pack);
  if (lines.length > 0) return ["probes:", ...lines, ...slos.map((line) => `  # ${line}`)].join("\n");
  return slos.length === 0
    ? ""
    : [...slos.slice(0, 1), "probes:", ...slos.slice(1)].map((line) => `# ${line}`).join("\n");
}

/** The pack's SLOs of what is here: whoever promises something takes the `#` away. */
function sloLines(here: readonly ComponentFound[], pack: Pack): string[] {
  const names = here.map(({ component }) => component);
  const slos = pack.components
    .filter(({ component }) => names.includes(component))
    .flatMap(({ probes }) => probes.filter(({ slo }) => slo));
  if (slos.length === 0) return [];
  return [
    "SLOs, off until they are named; the objective is yours to choose:",
    ...slos.map(({ id, slo }) => `- { id: ${id}, slo: { objective: ${slo?.objective} } }`),
  ];
}

/** Metrics that are there and answer nothing: only a hint of the probe's own can say more. */
function reasonOff({ probe, outcome }: Trial, componentHint: string): string {
  const reason = describeOutcome(outcome);
  const hint = probe.source.kind === "pack" ? probe.source.hint : "";
  return outcome.kind === "empty" && hint !== componentHint ? `${reason}. ${hint}` : reason;
}

function loweredProbe({ probe, ceilings }: Trial): string[] {
  const lowered = probe.levels.flatMap((level): string[] => {
    const fault = ceilings.find((candidate) => candidate.level === level.level);
    const others = ceilings.filter(({ level: other }) => other === "warn" || other === "fail");
    if (!fault) return [];
    const both = new Set(others.map((other) => other.level)).size > 1;
    const bound = fault.bounds.at(both && level.level === "warn" ? -3 : -2) ?? fault.ceiling / 2;
    return [`    ${level.level}: ${thresholdText(level, `> ${bound}`)}`];
  });
  const inQuery = ceilings.some(({ level }) => level === "query");
  return [
    ...ceilings.flatMap(({ message }) => comment(message, "  # ")),
    `  - id: ${probe.id}`,
    ...lowered,
    ...(inQuery && lowered.length === 0 ? ["    enabled: false"] : []),
  ];
}

function thresholdText(level: Level, when: string): string {
  const spans = [
    ...(level.for === 0 ? [] : [`for: ${formatDuration(level.for)}`]),
    ...(level.keepFiringFor === 0 ? [] : [`keepFiringFor: ${formatDuration(level.keepFiringFor)}`]),
  ];
  const threshold = spans.length === 0 ? quote(when) : `{ when: ${quote(when)}, ${spans.join(", ")} }`;
  return `${threshold} # was ${level.when === "any" ? "any" : formatComparison(level.when)}`;
}

function jobLines(jobs: readonly string[]): string[] {
  return [
    "  # Jobs that must always be there. They take the place of the pack's job-vanished, which knows jobs only",
    "  # for some hours after they are gone; remove those that may come and go.",
    "  - { id: job-vanished, enabled: false }",
    ...jobIds(jobs).flatMap(jobProbe),
  ];
}

/** Ids take fewer characters than jobs do, so that two jobs may come to the same. */
function jobIds(jobs: readonly string[]): { job: string; id: string }[] {
  const taken = new Set(["job-vanished"]);
  return jobs.map((job) => {
    const plain = `job-${job.replace(/[^a-zA-Z0-9._-]+/g, "-")}`;
    let id = plain;
    for (let count = 2; taken.has(id); count++) id = `${plain}-${count}`;
    taken.add(id);
    return { job, id };
  });
}

function jobProbe({ job, id }: { job: string; id: string }): string[] {
  const selector = `up{job=${quote(job)}}`;
  return [
    `  - id: ${quote(id)}`,
    // absent() answers where there is nothing to count, which is the case to catch.
    `    query: ${quote(`count(${selector}) or 0 * absent(${selector})`)}`,
    "    unit: targets",
    '    fail: "< 1"',
    "    for: 5m",
    `    summary: ${quote(`Job ${job} has no targets`)}`,
  ];
}

function workingSection(here: readonly ComponentFound[]): string {
  return here
    .flatMap(({ component, trials }) => [
      `# What works here, of ${component}:`,
      ...trials.filter(works).map(({ probe, outcome, ceilings }) => {
        const lowered = ceilings.length > 0 ? ", lowered above" : "";
        return `#   ${probe.id.padEnd(30)} ${levelsText(probe.levels).padEnd(26)} ${describeOutcome(outcome)}${lowered}`;
      }),
    ])
    .join("\n");
}

const notifySection = [
  "# First match wins. Without this, incidents are kept but shown nowhere.",
  "# notify:",
  '#   - { match: { severity: critical }, slack: "#llm-oncall" }',
  '#   - { slack: "#llm-ops" }',
].join("\n");

function levelsText(levels: readonly Level[]): string {
  const names: Readonly<Record<LevelName, string>> = { warn: "warn", fail: "fail" };
  return levels
    .map(({ level, when }) => `${names[level]} ${when === "any" ? "if any" : formatComparison(when)}`)
    .join(", ");
}

export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "answers":
      return `${outcome.series} series`;
    case "idle":
      return "idle: no traffic to judge by";
    case "quiet":
      return "nothing to report";
    case "empty":
      return "returns nothing, though its metrics are there";
    case "missing":
    case "failed":
      return outcome.reason;
  }
}

/** A comment in lines of readable length. Text from outside cannot break out of it. */
function comment(text: string, prefix = "# "): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/[\s\p{Cc}]+/u)) {
    if (line && prefix.length + line.length + 1 + word.length > 108) {
      lines.push(prefix + line);
      line = "";
    }
    line += line ? ` ${word}` : word;
  }
  return [...lines, prefix + line];
}

/** JSON's strings are YAML's double-quoted ones. */
function quote(text: string): string {
  return JSON.stringify(text);
}
