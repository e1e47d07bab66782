import { ConfigError } from "../../shared/domain/errors.ts";
import type { Slack } from "../../shared/domain/slack.ts";
import type { CliDeps } from "../deps.ts";
import { fit, paintStatus } from "../output/style.ts";

const lookEveryMs = 1_000;
/** Slack's history may lag behind a little; much later nobody would call it arrived. */
const patienceMs = 30_000;
/** How far Slack's clock and this one may be apart. */
const skewMs = 60_000;

/** The last leg of an alert: a message to a test channel, and back by Slack's own history. */
export async function drillSlack(
  channel: string,
  slack: Slack,
  { json = false }: { readonly json?: boolean },
  deps: CliDeps,
): Promise<void> {
  const begun = deps.now();
  const nonce = `drill-${deps.nonce()}`;
  const outcome = await there(channel, slack, nonce, begun, deps);
  const ok = outcome.seconds !== null;
  if (json) deps.out(JSON.stringify({ drill: "slack", channel, status: ok ? "ok" : "fail", ...outcome }));
  else
    deps.out(
      `  ${paintStatus(deps.style, ok ? "ok" : "fail")} slack  ${fit(outcome.says, Math.max(20, deps.style.width - 20))}`,
    );
  if (!ok) deps.exit(1);
}

async function there(
  channel: string,
  slack: Slack,
  nonce: string,
  begun: number,
  deps: CliDeps,
): Promise<{ readonly says: string; readonly seconds: number | null }> {
  try {
    const text = "🔧 A drill of Sonde's alert path. Nothing is wrong.";
    await slack.post(channel, { text, blocks: [] }, nonce);
    for (;;) {
      const found = await slack.findByNonce({ channel, nonce, since: begun - skewMs });
      const seconds = (deps.now() - begun) / 1000;
      if (found) return { says: `in ${channel} and found there after ${seconds.toFixed(1)}s`, seconds };
      if (deps.now() - begun > patienceMs || deps.interrupted.aborted)
        return {
          says: `posted to ${channel}, and not found in its history: look at the app's scopes`,
          seconds: null,
        };
      await deps.sleep(lookEveryMs);
    }
  } catch (error) {
    return { says: error instanceof Error ? error.message : String(error), seconds: null };
  }
}

/** The bot's token, from the environment. */
export function slackToken({ env }: Pick<CliDeps, "env">): string {
  const token = env.SONDE_SLACK;
  if (!token) throw new ConfigError("--slack needs the bot token: set the environment variable SONDE_SLACK");
  return token;
}
