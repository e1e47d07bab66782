import type { CompiledConfig, Target } from "../../shared/domain/probe.ts";
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
  /** Tells a watcher outside AWS that a round went well; does nothing where config names none. */
  readonly heartbeat: () => Promise<void>;
}

export interface RoundReport {
  readonly targets: Readonly<Record<string, ProbeSummary>>;
}

/**
 * One round over all targets, each on its own: trouble with one leaves the others be. Throws at the end where
 * a target's round could not be remembered or announced, so that the alarm on errors hears of it.
 */
export async function runRound(deps: RunRoundDeps, now: number): Promise<RoundReport> {
  const { config } = deps;
  const rounds = await Promise.all(config.targets.map((target) => runOne(target, now, deps)));
  const done = rounds.flatMap((round) => ("round" in round ? [round] : []));
  const failed = rounds.flatMap((round) => ("error" in round ? [round.error] : []));
  const evaluated = done.reduce((sum, { answered }) => sum + answered, 0);
  const configured = config.probes.length * config.targets.length;
  deps.emit({ values: { ProbesConfigured: configured, ProbesEvaluated: evaluated } });
  if (failed.length > 0) throw new AggregateError(failed, failed.map(({ message }) => message).join("; "));
  // A round that nobody answered is not a good one; without targets there is nobody to answer.
  if (evaluated > 0 || configured === 0) await deps.heartbeat();
  return { targets: Object.fromEntries(done.map(({ target, summary }) => [target, summary])) };
}

type Outcome =
  | {
      readonly target: string;
      readonly round: TargetRound;
      readonly summary: ProbeSummary;
      readonly answered: number;
    }
  | { readonly error: Error };

async function runOne(target: Target, now: number, deps: RunRoundDeps): Promise<Outcome> {
  const started = deps.now();
  try {
    const round = await runTargetRound(target, deps.config, now, deps);
    const { check, state, announced } = round;
    const summary = summarize(check.verdicts, check.asked.queries, deps.now() - started);
    // Probes that were not due stand on an answer that is younger than their `every`.
    const unanswered = check.results.filter(({ verdicts }) =>
      verdicts.some(({ cause }) => cause === "query-failed"),
    );
    const answered = deps.config.probes.length - unanswered.length;
    const open = Object.values(state.incidents).filter(({ status }) => status === "firing").length;
    deps.emit({
      target: target.name,
      values: {
        ProbesFailing: summary.fail,
        ProbesUnknown: summary.unknown,
        Queries: summary.queries,
        SamplesProcessed: check.asked.samplesProcessed,
        RoundDuration: summary.durationMs,
        OpenIncidents: open,
      },
    });
    deps.log("info", "round", {
      target: target.name,
      ...summary,
      open,
      announced: announced.length,
      samples: check.asked.samplesProcessed,
    });
    for (const { id, seq } of Object.values(state.incidents).filter(
      ({ history }) => history.at(-1)?.at === check.end,
    ))
      deps.log("info", "incident changed", { target: target.name, incident: id, seq });
    for (const notice of check.asked.notices)
      deps.log("warn", "the server remarked on a query", { target: target.name, notice });
    return { target: target.name, round, summary, answered };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    deps.log("error", error.message, { target: target.name });
    return { error };
  }
}
