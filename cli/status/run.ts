import { ConfigError } from "../../shared/domain/errors.ts";
import { isActive } from "../../shared/domain/incident.ts";
import { activeSilences } from "../../shared/domain/silence.ts";
import { suggestName } from "../../shared/domain/words.ts";
import type { CliDeps, ExitCode } from "../deps.ts";
import { openStore } from "../store.ts";
import { incidentJson, silenceJson } from "./json.ts";
import { type Remembered, readState } from "./read.ts";
import { renderLife, renderStatus } from "./render.ts";

export interface StatusRun {
  readonly state: string;
  readonly incident?: string;
  readonly target?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `sonde status`: what is remembered, or the life of one incident. */
export async function runStatus(options: StatusRun, deps: CliDeps): Promise<void> {
  const whole = await readState(await openStore(options.state, deps));
  const now = deps.now();
  const known = Object.keys(whole.evaluated);
  if (known.length === 0)
    throw new ConfigError(
      `${options.state} remembers nothing: run \`sonde watch\`, or name a deployment's bucket with --state s3://…`,
    );
  if (options.target !== undefined && !known.includes(options.target))
    throw new ConfigError(
      `no target "${options.target}" is remembered; ${suggestName(options.target, known)}`,
    );
  const state = ofTarget(whole, options.target);
  if (options.incident !== undefined) {
    const incident = state.incidents.find(({ id }) => id === options.incident);
    if (!incident)
      throw new ConfigError(
        `no incident "${options.incident}" is remembered; ${suggestName(
          options.incident,
          state.incidents.map(({ id }) => id),
        )}`,
      );
    if (options.json) deps.out(incidentJson(incident));
    else for (const line of renderLife(incident, now, deps.style)) deps.out(line);
    return;
  }
  const shown = options.all
    ? state.incidents
    : state.incidents.filter((incident) => isActive(incident) || incident.status === "pending");
  if (options.json) {
    for (const incident of shown) deps.out(incidentJson(incident));
    for (const silence of activeSilences(state.silences, now)) deps.out(silenceJson(silence));
    deps.out(JSON.stringify({ summary: summaryOf(state, now) }));
  } else {
    for (const line of renderStatus({ ...state, incidents: shown }, now, deps.style)) deps.out(line);
  }
  deps.exit(exitCode(state));
}

function ofTarget(state: Remembered, target: string | undefined): Remembered {
  if (target === undefined) return state;
  return {
    ...state,
    incidents: state.incidents.filter((incident) => incident.target === target),
    evaluated: Object.fromEntries(Object.entries(state.evaluated).filter(([name]) => name === target)),
  };
}

function summaryOf({ incidents, silences, evaluated }: Remembered, now: number) {
  const active = incidents.filter(isActive);
  return {
    targets: Object.keys(evaluated).length,
    firing: active.length,
    muted: active.filter(({ mute }) => mute !== null).length,
    acknowledged: active.filter(({ acknowledged }) => acknowledged !== null).length,
    silences: activeSilences(silences, now).length,
  };
}

function exitCode({ incidents }: Remembered): ExitCode {
  const active = incidents.filter(isActive);
  if (active.some(({ level }) => level === "fail")) return 1;
  return active.some(({ level, blind }) => level === "unknown" || blind) ? 3 : 0;
}
