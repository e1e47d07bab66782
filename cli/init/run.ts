import { existsSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";

import { compileConfig } from "../../shared/domain/compile.ts";
import { parseConfig, type SondeConfig } from "../../shared/domain/config.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Pack } from "../../shared/domain/pack.ts";
import type { Probe, Target } from "../../shared/domain/probe.ts";
import { PrometheusError } from "../../shared/domain/prometheus.ts";
import { loadPack } from "../../shared/packs/load.ts";
import type { CliDeps } from "../deps.ts";
import { column, paint } from "../output/style.ts";
import { componentsOf, type Starter, starterText, works } from "./starter.ts";
import { findJobs, type Trial, tryProbes } from "./try-probes.ts";

export interface InitRun {
  readonly target: string;
  readonly name?: string;
  readonly region?: string;
  readonly output: string;
  readonly force?: boolean;
}

/** `sonde init`: looks at a target and writes a starter config for it. Never overwrites unless told. */
export async function runInit(options: InitRun, deps: CliDeps): Promise<void> {
  const path = resolve(deps.cwd, options.output);
  if (!options.force && existsSync(path))
    throw new ConfigError(`${options.output} is there already: choose another --output, or --force`);
  if (!existsSync(dirname(path)))
    throw new ConfigError(
      `${options.output}: there is no folder ${dirname(path)}: make it, or choose another --output`,
    );
  const asked = {
    name: options.name ?? nameFor(options.target, options.region),
    url: options.target,
    ...(options.region ? { region: options.region } : {}),
  };
  const pack = loadPack("llm-on-eks");
  const { target, probes } = compileTarget(asked, pack);
  try {
    const client = await deps.clientFor(target);
    const at = deps.now() - target.delay;
    deps.err(`trying ${probes.length} probes on ${target.url}`);
    const trials = await tryProbes(probes, client, at);
    const jobs = await findJobs(trials, client, at);
    const starter: Starter = { target: asked, pack, trials, jobs, now: deps.now() };
    const text = starterText(starter);
    checkStarter(text, pack);
    writeFileSync(path, text, { flag: options.force ? "w" : "wx" });
    report(starter, options.output, deps);
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    deps.err(error.message);
    deps.exit(3);
  }
}

/** What the target is called: its region with AMP, else its host's first name. */
function nameFor(url: string, region: string | undefined): string {
  const host = URL.parse(url)?.hostname ?? "";
  const ampRegion = /^aps-workspaces(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1];
  if (ampRegion ?? region) return ampRegion ?? region ?? "";
  const [first = ""] = host.split(".");
  return /^[a-z][a-z0-9-]*$/.test(first) && first !== "localhost" ? first : "local";
}

function compileTarget(
  { name, url, region }: Starter["target"],
  pack: Pack,
): { target: Target; probes: readonly Probe[] } {
  const data = { targets: [{ name, prometheus: url, ...(region ? { region } : {}) }], packs: [pack.name] };
  const parsed = parseConfig(data);
  if ("faults" in parsed)
    throw new ConfigError(parsed.faults.map(({ message }) => `--target: ${message}`).join("\n"));
  const { compiled, faults } = compileStarter(parsed.config, pack);
  const [target] = compiled.targets;
  if (!target) throw new ConfigError(faults.map(({ message }) => `--target: ${message}`).join("\n"));
  return { target, probes: compiled.probes };
}

function compileStarter(config: SondeConfig, pack: Pack) {
  return compileConfig(config, { packs: [pack], ruleFiles: [], certificates: {} });
}

/** A starter that `sonde validate` would refuse must not be written. */
function checkStarter(text: string, pack: Pack): void {
  const parsed = parseConfig(parse(text));
  const faults = "faults" in parsed ? parsed.faults : compileStarter(parsed.config, pack).faults;
  const [fault] = faults;
  if (fault) throw new Error(`the starter config is not valid at ${fault.path.join(".")}: ${fault.message}`);
}

function report({ target, pack, trials }: Starter, output: string, deps: CliDeps): void {
  const { out, style } = deps;
  const count = (some: readonly Trial[], kind: Trial["outcome"]["kind"]) =>
    String(some.filter(({ outcome }) => outcome.kind === kind).length).padStart(7);
  out(paint(style, "bold", `${column("component", 24)} answers   idle  quiet    not`));
  const components = componentsOf(pack, trials);
  for (const { component, trials: own, here } of components) {
    const not = String(own.filter((trial) => !works(trial)).length).padStart(6);
    const line = `${column(component, 24)} ${count(own, "answers")}${count(own, "idle")}${count(own, "quiet")}${not}`;
    out(here ? line : paint(style, "dim", `${column(component, 24)} not found`));
  }
  const on = components.filter(({ here }) => here).flatMap((component) => component.trials);
  const lowered = on.filter((trial) => works(trial) && trial.ceilings.length > 0).length;
  out("");
  out(
    `${on.filter(works).length} probes work on ${target.name}${lowered > 0 ? `, ${lowered} with lowered thresholds` : ""}`,
  );
  out(`wrote ${output}: it says what does not work, and what would bring it`);
  const failed = trials.filter(({ outcome }) => outcome.kind === "failed");
  for (const { probe, outcome } of failed)
    if (outcome.kind === "failed") deps.err(`${probe.id}: ${outcome.reason}`);
  if (failed.length > 0) deps.exit(3);
}
