import type { DeliverDeps } from "../../functions/notify-slack/deliver.ts";
import type { NotifierDeps } from "../../functions/notify-slack/notifier.ts";
import type { Slack } from "../../shared/domain/slack.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";

/** What notify-slack needs where every route is a channel of the bot's, and none is a webhook or PagerDuty. */
export function onlySlack(
  slack: Slack,
  access: SlackAccess | null = null,
): NotifierDeps & Pick<DeliverDeps, "pace"> {
  const unused = async () => {
    throw new Error("config names nothing but Slack channels here");
  };
  return {
    slack,
    access,
    postToWebhook: unused,
    sendToPagerDuty: unused,
    postSigned: unused,
    pace: async () => undefined,
  };
}
