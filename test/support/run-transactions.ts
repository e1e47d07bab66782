import { renderIncident } from "../../functions/notify-slack/blocks.ts";
import { renderChange } from "../../functions/notify-slack/changes.ts";
import { buildTransaction } from "../../functions/run-transactions/build.ts";
import { runDue } from "../../functions/run-transactions/run-due.ts";
import { afterTime } from "../../functions/run-transactions/run-one.ts";
import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { compileConfig } from "../../shared/domain/compile.ts";
import type { SondeConfig } from "../../shared/domain/config.ts";
import { incidentsObject } from "../../shared/domain/incident-state.ts";
import { aPolicy, aRoute } from "./builders.ts";
import { buildMemoryStore } from "./memory-store.ts";

export interface TransactionsRun {
  readonly config: SondeConfig;
  readonly readSecret: (name: string) => Promise<string>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** Everything that a run lets out: logs, events, metrics, samples, state, incidents and their Slack messages. */
export async function letOut({ config, readSecret, now, sleep }: TransactionsRun): Promise<string> {
  const store = buildMemoryStore();
  const told: unknown[] = [];
  const incidents = aPolicy({ routes: [aRoute("slack:#ops")] });
  const { compiled } = compileConfig(config, { packs: [], ruleFiles: [], certificates: {} });
  const pause = async () => undefined;
  let nonces = 0;
  const nonce = () => `n${++nonces}`;
  await runDue(now(), Number.POSITIVE_INFINITY, {
    config: { ...compiled, incidents },
    store,
    changeIncidents: buildChangeIncidents(store, incidents, { nonce, pause }),
    announce: async (...event) => void told.push(event),
    shown: new Map(),
    build: (one) =>
      buildTransaction(one, {
        config: compiled,
        standing: "workstation",
        read: store.read,
        readSecret,
        now,
        sleep,
        nonce,
        writeLine: (line) => told.push(line),
      }),
    now,
    nonce,
    pause,
    after: afterTime,
    writeResults: async (series) => void told.push(series),
    emit: (metrics) => told.push(metrics),
    log: (...line) => told.push(line),
  });
  const messages = [...store.objects].flatMap(([key, { body }]) =>
    key.startsWith("incidents/")
      ? Object.values(incidentsObject("").parse(key, body).incidents).flatMap((incident) => [
          renderIncident(incident, now()),
          ...incident.history.map((change) => renderChange(change, incident)),
        ])
      : [],
  );
  return JSON.stringify([told, [...store.objects], messages]);
}
