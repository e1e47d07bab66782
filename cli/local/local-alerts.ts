import { buildRecordAlerts } from "../../functions/receive-alertmanager/record-alerts.ts";
import { type TakeInDeps, takeIn } from "../../functions/receive-alertmanager/take-in.ts";
import { allProbes, type CompiledConfig } from "../../shared/domain/probe.ts";
import type { CliDeps } from "../deps.ts";
import type { SnsRecord } from "../stage/sns-record.ts";
import { createIn } from "./create-in.ts";
import type { LocalRounds } from "./local-rounds.ts";

/** receive-alertmanager on this machine, over the state of local rounds. What fails is told by a line. */
export function buildLocalAlerts(
  topic: string,
  config: CompiledConfig,
  { store, changeIncidents, announce }: LocalRounds,
  { now, err }: CliDeps,
): (record: SnsRecord) => void {
  const log: TakeInDeps["log"] = (level, message) => {
    if (level === "error") err(message);
  };
  const takeInDeps: TakeInDeps = {
    topics: [topic],
    targets: config.targets,
    record: buildRecordAlerts({
      probes: allProbes(config),
      now,
      create: createIn(store),
      changeIncidents,
      announce: (target, announcements) => announce(target, announcements, now()),
    }),
    log,
  };
  return (record) => {
    takeIn(record, takeInDeps).catch((error: unknown) => {
      err(error instanceof Error ? error.message : String(error));
    });
  };
}
