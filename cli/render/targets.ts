import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { ConfigError } from "../../shared/domain/errors.ts";
import type { Target } from "../../shared/domain/probe.ts";
import { suggestName } from "../../shared/domain/words.ts";
import type { CliDeps } from "../deps.ts";

/** What every kind of file takes. */
export interface RenderRun {
  readonly config: string;
  readonly target?: string;
  readonly output?: string;
}

/** The targets to write for; several need a folder to write to. `none` says why there may be none. */
export function chooseTargets(
  targets: readonly Target[],
  { target, output }: RenderRun,
  none: string,
): readonly Target[] {
  const chosen = target === undefined ? targets : targets.filter(({ name }) => name === target);
  const known = targets.map(({ name }) => name);
  if (chosen.length === 0)
    throw new ConfigError(
      target === undefined || targets.length === 0
        ? none
        : `no target "${target}": ${suggestName(target, known)}`,
    );
  if (chosen.length > 1 && output === undefined)
    throw new ConfigError(
      `there are ${chosen.length} targets: choose one by --target, or write files by --output`,
    );
  return chosen;
}

/** Writes a file into the folder, or to the terminal without one. */
export function writeRendered(
  name: string,
  text: string,
  folder: string | undefined,
  deps: Pick<CliDeps, "cwd" | "out" | "err">,
): void {
  if (folder === undefined) {
    deps.out(text.trimEnd());
    return;
  }
  const path = resolve(deps.cwd, folder);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), text);
  deps.err(`wrote ${join(folder, name)}`);
}
