import { expect } from "vitest";

import type { StoredMessage } from "../../../cli/stage/slack.ts";
import { renderIncident } from "../../../functions/notify-slack/blocks.ts";
import { renderChange } from "../../../functions/notify-slack/changes.ts";
import { type Incident, isOpen } from "../../../shared/domain/incident.ts";
import { parseMessageState, parseTargetState } from "../../../shared/domain/state.ts";
import { storeKeys } from "../../../shared/domain/store.ts";
import type { Cloud } from "./cloud.ts";
import { bucket } from "./functions.ts";

/**
 * What must hold when all is calm again: every incident over, one message for each incident and channel that
 * shows its end, each note of its thread once, every object readable, and nothing left in the queue.
 */
export function expectConverged(cloud: Cloud, targets: readonly string[]): void {
  const incidents = targets.flatMap((target) => Object.values(cloud.incidents(target).incidents));
  expect(cloud.broken).toEqual([]);
  expect(incidents.filter(isOpen).map(({ id }) => id)).toEqual([]);
  const shown = incidents.flatMap((incident) => incident.channels.map((channel) => ({ incident, channel })));
  const told = shown.map(({ incident, channel }) => toldIn(cloud, incident, channel));
  const roots = cloud.slack.messages().filter(({ threadTs }) => threadTs === null);
  // Whatever stands in Slack is one of these.
  expect(roots.map(({ channel, text }) => `${channel} ${text}`).sort()).toEqual(
    told.map(({ channel, text }) => `${channel} ${text}`).sort(),
  );
  for (const { channel, nonce, notes } of told) {
    const own = cloud.slack
      .messages()
      .filter((message) => message.channel === channel && nonceOf(message).startsWith(nonce));
    const [root, ...rest] = own.filter(({ threadTs }) => threadTs === null);
    expect(rest).toEqual([]);
    const answers = own.filter(({ threadTs }) => threadTs !== null);
    expect(answers.map(nonceOf)).toEqual(notes.map((seq) => `${nonce}/${seq}`));
    expect(new Set(answers.map(({ threadTs }) => threadTs))).toEqual(
      new Set(notes.length > 0 ? [root?.ts] : []),
    );
  }
  for (const [key, { body }] of cloud.objects)
    if (key.startsWith(`/${bucket}/targets/`)) parseTargetState(key, body);
  expect(cloud.queue.size()).toBe(0);
}

/** What should be in Slack of an incident in a channel. */
function toldIn(cloud: Cloud, incident: Incident, channel: string) {
  const key = storeKeys.message(incident.id, channel);
  const { nonce } = parseMessageState(key, cloud.objects.get(`/${bucket}/${key}`)?.body ?? "");
  const notes = incident.history.filter((change) => renderChange(change, incident)).map(({ seq }) => seq);
  return { channel, nonce, notes, text: renderIncident(incident, cloud.now()).text };
}

function nonceOf({ metadata }: StoredMessage): string {
  return String(metadata?.event_payload.nonce);
}
