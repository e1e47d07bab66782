import { resolve } from "node:path";

import { settleNames } from "../../functions/run-probes/names.ts";
import {
  bucketBoundsQuery,
  bucketMetrics,
  ceilingFaults,
  readBucketBounds,
} from "../../shared/domain/ceilings.ts";
import { checkDeployable } from "../../shared/domain/deployable.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import { isSlo } from "../../shared/domain/fold-slo.ts";
import type { Probe, Target } from "../../shared/domain/probe.ts";
import { type PrometheusClient, PrometheusError } from "../../shared/domain/prometheus.ts";
import type { FoundNames } from "../../shared/domain/resolve-names.ts";
import { suggestName } from "../../shared/domain/words.ts";
import { loadConfigFile } from "../config-file.ts";
import type { CliDeps, ExitCode } from "../deps.ts";
import { costNote, findSloFaults } from "./slo.ts";

export interface ValidateRun {
  readonly config: string;
  /** A target's name; true for all of them. */
  readonly target?: string | true;
}

/** `sonde validate`: what can be known without a target, and with one that its server accepts every query. */
export async function runValidate(options: ValidateRun, deps: CliDeps): Promise<void> {
  const path = resolve(deps.cwd, options.config);
  const { compiled, notes, ruleWarnings } = loadConfigFile(path);
  for (const note of notes) deps.err(`note: ${note}`);
  for (const warning of ruleWarnings) deps.err(`warning: ${warning}`);
  const { faults, warnings } = checkDeployable(compiled);
  for (const line of [...faults, ...warnings]) deps.err(`note, once deployed: ${line}`);
  deps.out(
    `${options.config} is valid: ${count(compiled.targets.length, "target")}, ${count(compiled.probes.length, "probe")}, ${count(compiled.incidents.routes.length, "route")}`,
  );
  if (options.target === undefined) return;
  const targets =
    options.target === true
      ? compiled.targets
      : compiled.targets.filter(({ name }) => name === options.target);
  if (targets.length === 0)
    throw new ConfigError(
      `no target "${options.target}": ${suggestName(
        String(options.target),
        compiled.targets.map(({ name }) => name),
      )}`,
    );
  const codes = await Promise.all(targets.map((target) => validateTarget(target, compiled.probes, deps)));
  deps.exit(codes.includes(3) ? 3 : codes.includes(2) ? 2 : 0);
}

async function validateTarget(target: Target, probes: readonly Probe[], deps: CliDeps): Promise<ExitCode> {
  const client = await deps.clientFor(target);
  const at = deps.now() - target.delay;
  try {
    const up = await client.queryInstant({ query: "vector(1)", at });
    if (up.data.length !== 1)
      throw new PrometheusError("bad-answer", `${target.name} does not answer PromQL`);
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    deps.err(`${target.name}: ${error.message}`);
    return 3;
  }
  const { resolved, kept } = await settleNames(probes, { queryInstant: client.queryInstant, at });
  let code: ExitCode = 0;
  let good = 0;
  for (const one of resolved) {
    if ("missing" in one) deps.out(`${target.name}: ${one.probe.id}: cannot be asked here: ${one.missing}`);
    else if ("failed" in one) {
      deps.err(`${target.name}: ${one.probe.id}: ${one.failed}`);
      code = 3;
    } else {
      const { faults, note } = await validateQuery(one.query, one.probe, client, at, kept?.found);
      if (note) deps.out(`${target.name}: ${one.probe.id}: ${note}`);
      for (const { message, grave } of faults) {
        deps.err(`${target.name}: ${one.probe.id}: ${message}`);
        if (grave === 2 || code === 0) code = grave;
      }
      if (faults.length === 0) good++;
    }
  }
  deps.out(`${target.name}: ${good} of ${resolved.length} probes can be asked here`);
  return code;
}

interface QueryFaultFound {
  readonly message: string;
  readonly grave: 2 | 3;
}

interface QueryReport {
  readonly faults: readonly QueryFaultFound[];
  readonly note: string | null;
}

function refused(message: string): QueryFaultFound {
  return { message, grave: 2 };
}

async function validateQuery(
  query: string,
  probe: Probe,
  client: PrometheusClient,
  at: number,
  found: FoundNames | undefined,
): Promise<QueryReport> {
  try {
    const { samplesProcessed } = await client.queryInstant({ query, at });
    if (isSlo(probe)) {
      const messages = found ? await findSloFaults(probe, found, client, at) : [];
      return { faults: messages.map(refused), note: costNote(probe, query, samplesProcessed) };
    }
    return { faults: (await findCeilings(query, probe, client, at)).map(refused), note: null };
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    return {
      faults: [{ message: error.message, grave: error.kind === "bad-query" ? 2 : 3 }],
      note: null,
    };
  }
}

/** Thresholds that a quantile of this target's histograms can never reach. */
async function findCeilings(
  query: string,
  probe: Probe,
  client: PrometheusClient,
  at: number,
): Promise<string[]> {
  const metrics = bucketMetrics(query);
  if (metrics.length === 0) return [];
  const { data } = await client.queryInstant({ query: bucketBoundsQuery(metrics), at });
  return ceilingFaults({ query, levels: probe.levels }, readBucketBounds(data)).map(({ message }) => message);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
