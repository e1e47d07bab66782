import { once } from "node:events";
import { createServer } from "node:http";

import { receive } from "../../functions/answer-slack/receive.ts";
import { type ApplyDeps, applyAnswer } from "../../functions/apply-answer/apply.ts";
import { buildIncidents } from "../../functions/apply-answer/incidents.ts";
import { buildSend } from "../../shared/adapters/http.ts";
import { buildTellPerson } from "../../shared/adapters/slack-response.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import type { CliDeps } from "../deps.ts";
import { listen } from "../stage/loopback.ts";
import { readBody } from "../stage/slack-request.ts";
import { createIn } from "./create-in.ts";
import type { LocalRounds } from "./local-rounds.ts";

export interface LocalAnswers {
  /** The request URL that Slack sends clicks to. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** answer-slack and apply-answer on this machine, over the state of local rounds. */
export async function startAnswers(
  access: SlackAccess,
  signingSecret: string,
  rounds: LocalRounds,
  deps: CliDeps,
): Promise<LocalAnswers> {
  const { store, changeIncidents, announce } = rounds;
  const { now, nonce } = deps;
  const log: ApplyDeps["log"] = (level, message) => {
    if (level === "error") deps.err(message);
  };
  const applyDeps: ApplyDeps = {
    access,
    store,
    incidents: buildIncidents({
      store,
      change: changeIncidents,
      announce: (target, announcements) => announce(target, announcements, now()),
      now,
    }),
    tell: buildTellPerson({ send: buildSend({ auth: { kind: "none" }, now }) }),
    now,
    nonce,
    pause: async () => undefined,
    log,
  };
  const receiveDeps = {
    access,
    readSigningSecret: async () => signingSecret,
    create: createIn(store),
    startApplying: async (key: string) => {
      await applyAnswer(key, applyDeps);
    },
    now,
    nonce,
    log,
  };
  const server = createServer((request, response) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat()[0]]),
    );
    readBody(request)
      .then((body) =>
        receive({ method: request.method ?? "", headers, body: Buffer.from(body) }, receiveDeps),
      )
      .then(
        (status) => response.writeHead(status).end(),
        () => response.writeHead(500).end(),
      );
  });
  const port = await listen(server);
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${port}/`, stop };
}
