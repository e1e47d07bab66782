import * as z from "zod/mini";

import type { Stack } from "../../../stacks/template.ts";
import type { Accepted } from "./event-bus.ts";
import type { FifoQueue } from "./fifo-queue.ts";

const rule = z.object({
  EventPattern: z.object({
    source: z.array(z.string()),
    "detail-type": z.array(z.string()),
    detail: z.object({ channel: z.array(z.string()) }),
  }),
  Targets: z.tuple([
    z.object({
      InputPath: z.literal("$.detail"),
      SqsParameters: z.object({ MessageGroupId: z.string() }),
    }),
  ]),
});

/** A rule of the deployment: which events it takes, and in which message group their details go on. */
export interface ChannelRule {
  readonly pattern: z.infer<typeof rule>["EventPattern"];
  readonly group: string;
}

/** The rules in a template, as the deployment has them. */
export function readRules({ Resources }: Stack): ChannelRule[] {
  return Object.values(Resources).flatMap(({ Type, Properties }) => {
    if (Type !== "AWS::Events::Rule") return [];
    const { EventPattern, Targets } = rule.parse(Properties);
    return [{ pattern: EventPattern, group: Targets[0].SqsParameters.MessageGroupId }];
  });
}

/** Sends an event's detail to the queue once for each rule that it matches. */
export function sendHints(event: Accepted, rules: readonly ChannelRule[], queue: FifoQueue): void {
  for (const { pattern, group } of rules) {
    const matches =
      pattern.source.includes(event.source) &&
      pattern["detail-type"].includes(event.detailType) &&
      pattern.detail.channel.includes(String(event.detail.channel));
    if (matches) queue.send(group, JSON.stringify(event.detail));
  }
}
