import pLimit from "p-limit";
import * as z from "zod/mini";

import { realDeps } from "../cli/deps.ts";
import { buildLocalRounds } from "../cli/local/local-rounds.ts";
import { onlySlack } from "../cli/local/only-slack.ts";
import { buildSlack } from "../shared/adapters/slack.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { roundConfig } from "./round-load.ts";
import { type Turn, turnsOf } from "./round-turns.ts";

const concurrency = 10;

type Take = (at: number) => Promise<Omit<Turn, "millis" | "peak">>;

/** Sonde's rounds, as `sonde watch` runs them: state in a directory, messages to a Slack stand-in. */
function buildRounds(config: CompiledConfig, slackUrl: string, token: string, stateDir: string): Take {
  const rounds = buildLocalRounds(
    {
      config,
      stateDir,
      notify: onlySlack(buildSlack({ token, baseUrl: slackUrl })),
    },
    realDeps(),
  );
  return async (at) => {
    const checks = (await rounds.run(at)).map(({ check }) => check);
    const verdicts = checks.flatMap((check) => check.verdicts);
    const count = (status: string) => verdicts.filter((verdict) => verdict.status === status).length;
    return {
      requests: checks.reduce((sum, { asked }) => sum + asked.queries, 0),
      samples: checks.reduce((sum, { asked }) => sum + asked.samplesProcessed, 0),
      firing: count("warn") + count("fail"),
      unknown: count("unknown"),
    };
  };
}

const answered = z.object({
  data: z.object({
    result: z.array(z.unknown()),
    stats: z.object({ samples: z.object({ totalQueryableSamples: z.number() }) }),
  }),
});

/** The least that a client can do: the probes' queries at one point in time, answers parsed and thrown away. */
function buildBareLoop({ probes }: CompiledConfig, url: string): Take {
  return async (at) => {
    const limit = pLimit(concurrency);
    const samples = await Promise.all(
      probes.map(({ variants }) =>
        limit(async () => {
          const body = new URLSearchParams({
            query: variants[0]?.query ?? "",
            time: String(at / 1000),
            stats: "all",
          });
          const answer = await fetch(`${url}/api/v1/query`, { method: "POST", body });
          if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
          return answered.parse(await answer.json()).data.stats.samples.totalQueryableSamples;
        }),
      ),
    );
    return {
      requests: samples.length,
      samples: samples.reduce((sum, one) => sum + one, 0),
      firing: 0,
      unknown: 0,
    };
  };
}

/** Runs in a process of its own, so that its memory is that of the rounds and nothing else. */
const [, , kind, url = "", firing = "0", slackUrl = "", token = "", stateDir = ""] = process.argv;
if (kind) {
  const config = roundConfig(url, Number(firing));
  const take = kind === "bare" ? buildBareLoop(config, url) : buildRounds(config, slackUrl, token, stateDir);
  turnsOf(take);
}
