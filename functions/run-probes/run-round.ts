import { isActive } from "../../shared/domain/incident.ts";
import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
import { type Shard, shardsOf } from "../../shared/domain/shards.ts";
import { type ProbeSummary, summarize } from "../../shared/domain/summary.ts";
import { type RoundDeps, runTargetRound, type TargetRound } from "./round.ts";

/** What a round counts, under the names of its metrics. With `target` those of one target, else of all. */
export interface RoundMetrics {
  readonly target?: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface RunRoundDeps extends RoundDeps {
  readonly config: CompiledConfig;
  readonly now: () => number;
  readonly emit: (metrics: RoundMetrics) => void;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

/** What one evaluation is of: a target and the shard of its probes. */
export interface Unit {
  readonly target: Target;
  readonly shard: Shard;
}

export interface RoundReport {
  readonly targets: Readonly<Record<string, ProbeSummary>>;
  /** Probes that were answered, or stand on an answer that is younger than their `every`. */
  readonly evaluated: number;
}

/** Everything that a round is made of; at least one unit for each target. */
export function unitsOf({ targets, probes }: CompiledConfig): Unit[] {
  const shards = shardsOf(probes);
  return targets.flatMap((target) => shards.map((shard) => ({ target, shard })));
}

/**
 * One round over some units, each on its own: trouble with one leaves the others be. Throws at the end where
 * one's round could not be remembered or announced, so that the alarm on errors hears of it.
 */
export async function runRound(
  units: readonly Unit[],
  now: number,
  deps: RunRoundDeps,
): Promise<RoundReport> {
  const rounds = await Promise.all(units.map((unit) => runOne(unit, now, deps)));
  const done = rounds.flatMap((round) => ("round" in round ? [round] : []));
  const failed = rounds.flatMap((round) => ("error" in round ? [round.error] : []));
  const evaluated = done.reduce((sum, { answered }) => sum + answered, 0);
  const configured = units.reduce((sum, { shard }) => sum + shard.probes.length, 0);
  const behind = done.reduce((sum, one) => sum + one.behind, 0);
  deps.emit({
    values: { ProbesConfigured: configured, ProbesEvaluated: evaluated, MessagesBehind: behind },
  });
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join("; "));
  return { targets: Object.fromEntries(done.map(({ name, summary }) => [name, summary])), evaluated };
}

type Outcome =
  | {
      readonly name: string;
      readonly round: TargetRound;
      readonly summary: ProbeSummary;
      readonly answered: number;
      readonly behind: number;
    }
  | { readonly error: Error };

async function runOne({ target, shard }: Unit, now: number, deps: RunRoundDeps): Promise<Outcome> {
  const started = deps.now();
  const whole = shard.name === "1/1";
  // Incidents are the target's; one shard counts them for all.
  const counts = shard.name.startsWith("1/");
  const where = { target: target.name, ...(whole ? {} : { shard: shard.name }) };
  try {
    const round = await runTargetRound(target, shard, deps.config, now, deps);
    const { check, incidents, announced } = round;
    const summary = summarize(check.verdicts, check.asked.queries, deps.now() - started);
    const unanswered = check.results.filter(({ verdicts }) =>
      verdicts.some(({ cause }) => cause === "query-failed"),
    );
    const open = Object.values(incidents).filter(isActive).length;
    deps.emit({
      target: target.name,
      values: {
        ProbesFailing: summary.fail,
        ProbesUnknown: summary.unknown,
        Queries: summary.queries,
        SamplesProcessed: check.asked.samplesProcessed,
        RoundDuration: summary.durationMs,
        ...(counts ? { OpenIncidents: open } : {}),
      },
    });
    deps.log("info", "round", {
      ...where,
      ...summary,
      open,
      announced: announced.length,
      samples: check.asked.samplesProcessed,
    });
    for (const { id, seq } of Object.values(incidents).filter(
      ({ history }) => history.at(-1)?.at === check.end,
    ))
      deps.log("info", "incident changed", { ...where, incident: id, seq });
    for (const notice of check.asked.notices)
      deps.log("warn", "the server remarked on a query", { ...where, notice });
    const name = whole ? target.name : `${target.name} ${shard.name}`;
    const answered = shard.probes.length - unanswered.length;
    return { name, round, summary, answered, behind: counts ? round.behind : 0 };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    deps.log("error", error.message, where);
    return { error };
  }
}
