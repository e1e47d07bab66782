import type { Outcome } from "../../shared/domain/answer.ts";
import type { SlackAction } from "../../shared/domain/slack-actions.ts";

/** What the person who clicked is told; null where the message shows it, or where it is too late to tell. */
export function describeOutcome(outcome: Outcome, { kind }: SlackAction): string | null {
  switch (outcome.result) {
    case "applied":
    case "expired":
      return null;
    case "gone":
      return "Nothing was changed: the incident is over.";
    case "refused":
      return `Nothing was changed: ${reasons[outcome.because](kind)}`;
  }
}

const reasons = {
  user: (verb: string) =>
    `you are not among those who may ${verb}. They stand in sonde.yaml, under slack.actions.`,
  channel: (verb: string) =>
    `nobody may ${verb} from this channel. Those where one may stand in sonde.yaml, under slack.actions.`,
  message: () => "this is not the message that Sonde keeps for the incident. Use the newest one.",
  config: () => "sonde.yaml has no slack section any more, so that buttons do nothing.",
} as const;
