import { userInfo } from "node:os";

import { changeObject } from "../../shared/adapters/change-object.ts";
import { parseDuration } from "../../shared/domain/duration.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Incident } from "../../shared/domain/incident.ts";
import {
  addSilence,
  expireSilence,
  type Matcher,
  matchersOf,
  type Silence,
  silencedLabels,
  silencesObject,
} from "../../shared/domain/silence.ts";
import { storeKeys } from "../../shared/domain/store.ts";
import { suggestName } from "../../shared/domain/words.ts";
import type { CliDeps } from "../deps.ts";
import { readState } from "../status/read.ts";
import { openStore } from "../store.ts";

export interface SilenceRun {
  readonly state: string;
  readonly what: readonly string[];
  readonly for?: string;
  readonly reason: string;
  readonly by?: string;
  readonly end?: string;
}

const longest = 90 * 86_400_000;

/** `sonde silence`: adds a silence, or ends one. The next round takes it up. */
export async function runSilence(options: SilenceRun, deps: CliDeps): Promise<void> {
  const store = await openStore(options.state, deps);
  const now = deps.now();
  const change = (update: (before: readonly Silence[]) => readonly Silence[]) =>
    changeObject(
      store,
      storeKeys.silences,
      silencesObject,
      (before) => ({ next: update(before), result: null }),
      { nonce: deps.nonce, pause: (tried) => deps.sleep(50 * tried) },
    );
  if (options.end !== undefined) {
    const id = options.end;
    const { silences } = await readState(store);
    const open = silences.filter(({ endsAt }) => endsAt > now).map((silence) => silence.id);
    if (!open.includes(id)) throw new ConfigError(`no silence "${id}" is open; ${suggestName(id, open)}`);
    await change((before) => expireSilence(before, id, now));
    deps.out(`ended ${id}`);
    return;
  }
  const { incidents } = await readState(store);
  const matchers = readMatchers(options.what, incidents);
  const length = readLength(options.for);
  const name = options.by ?? userInfo().username;
  const silence: Silence = {
    id: `cli-${deps.nonce()}`,
    matchers,
    startsAt: now,
    endsAt: now + length,
    by: { id: name, name },
    reason: options.reason,
    origin: "cli",
  };
  await change((before) => addSilence(before, silence, now));
  deps.out(
    `silenced ${matchers.map((one) => `${one.name}=${one.value}`).join(" ")} until ${new Date(silence.endsAt).toISOString()}`,
  );
  deps.out(`to end it: sonde silence --end ${silence.id}`);
}

/** Labels as `name=value`, or one incident by its id: then what its group is made by. */
function readMatchers(what: readonly string[], incidents: readonly Incident[]): Matcher[] {
  if (what.length === 0)
    throw new ConfigError("say what to silence: labels such as probe=gpu-temperature, or an incident's id");
  const [first = ""] = what;
  if (what.length === 1 && !first.includes("=")) {
    const incident = incidents.find(({ id }) => id === first);
    if (!incident)
      throw new ConfigError(
        `"${first}" is neither a label such as probe=gpu-temperature nor an incident; ${suggestName(
          first,
          incidents.map(({ id }) => id),
        )}`,
      );
    return matchersOf(silencedLabels(incident.target, incident.groupedBy));
  }
  return what.map((text) => {
    const [, name, value] = /^([a-zA-Z_][a-zA-Z0-9_]*)=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new ConfigError(`"${text}" is not a label and its value, such as probe=gpu-temperature`);
    return { name, value };
  });
}

function readLength(text: string | undefined): number {
  if (text === undefined) throw new ConfigError("say for how long: --for 2h");
  let length: number;
  try {
    length = parseDuration(text);
  } catch (cause) {
    throw new ConfigError(`--for: "${text}" is not a duration such as 30m or 2h`, { cause });
  }
  if (length <= 0 || length > longest)
    throw new ConfigError("--for: longer than nothing, and 90 days at most");
  return length;
}
