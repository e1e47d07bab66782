import { formatChannel, type NotifierKind, notifierKinds } from "./channel.ts";
import type { EscalateConfig, MatchConfig, NotifyConfig, SondeConfig } from "./config.ts";
import { parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import { defaultGroupBy } from "./grouping.ts";
import {
  defaultPolicy,
  type IncidentPolicy,
  type Inhibition,
  type MaintenanceWindow,
} from "./incident-policy.ts";
import { checkWindow } from "./maintenance.ts";
import type { Pack } from "./pack.ts";
import type { Channel, Probe, Route } from "./probe.ts";

/** How incidents are grouped, muted and told, as config and the packs in use say. */
export function compilePolicy(
  config: SondeConfig,
  probes: readonly Probe[],
  packs: readonly Pack[],
  faults: ConfigFault[],
  notes: ConfigFault[],
): IncidentPolicy {
  const { incidents = {}, notify = [], mute = [], inhibit = [] } = config;
  const { flapping = {} } = incidents;
  return {
    groupBy: incidents.groupBy ?? defaultGroupBy,
    groupWait: durationOr(incidents.groupWait, defaultPolicy.groupWait),
    groupInterval: durationOr(incidents.groupInterval, defaultPolicy.groupInterval),
    repeatInterval: durationOr(incidents.repeatInterval, defaultPolicy.repeatInterval),
    flapping: {
      changes: flapping.changes ?? defaultPolicy.flapping.changes,
      within: durationOr(flapping.within, defaultPolicy.flapping.within),
      calmAfter: durationOr(flapping.calmAfter, defaultPolicy.flapping.calmAfter),
    },
    stormAbove: incidents.stormAbove ?? defaultPolicy.stormAbove,
    blindAfter: config.blindAfter ?? defaultPolicy.blindAfter,
    alertmanagerSilentAfter: durationOr(
      incidents.alertmanagerSilentAfter,
      defaultPolicy.alertmanagerSilentAfter,
    ),
    routes: notify.map((route, index) => compileRoute(route, index, notes)),
    maintenance: mute.flatMap((window, index) => compileWindow(window, index, config, probes, faults)),
    inhibitions: [...inhibit.map(compileInhibition), ...packInhibitions(probes, packs)],
  };
}

function durationOr(text: string | undefined, otherwise: number): number {
  return text === undefined ? otherwise : parseDuration(text);
}

function compileRoute(route: NotifyConfig, index: number, notes: ConfigFault[]): Route {
  const { escalate } = route;
  const channels = channelsOf(route);
  if (channels.length === 0 && !route.continue)
    notes.push({
      path: ["notify", index],
      message: "names no channel: what matches it is shown nowhere",
    });
  const escalation = escalate && {
    after: parseDuration(escalate.after),
    channels: channelsOf(escalate),
    mention: escalate.mention ?? "",
  };
  return {
    match: route.match ?? {},
    channels,
    continue: route.continue ?? false,
    ...(route.repeatInterval === undefined ? {} : { repeatInterval: parseDuration(route.repeatInterval) }),
    ...(escalation ? { escalation } : {}),
  };
}

function channelsOf(config: NotifyConfig | EscalateConfig): Channel[] {
  return notifierKinds.flatMap((kind) => {
    const name = config[configKeys[kind]];
    return name ? [formatChannel({ kind, name })] : [];
  });
}

/** Where config names a notifier's channel. */
const configKeys = {
  slack: "slack",
  "slack-webhook": "slackWebhook",
  pagerduty: "pagerduty",
  webhook: "webhook",
} as const satisfies Readonly<Record<NotifierKind, keyof EscalateConfig>>;

function compileWindow(
  window: NonNullable<SondeConfig["mute"]>[number],
  index: number,
  config: SondeConfig,
  probes: readonly Probe[],
  faults: ConfigFault[],
): MaintenanceWindow[] {
  const timezone = window.timezone ?? "UTC";
  const fault = checkWindow(window.cron, timezone);
  const path = ["mute", index];
  if (fault) {
    faults.push({ path: [...path, "cron"], message: fault });
    return [];
  }
  for (const name of window.targets ?? [])
    if (!name.includes("*") && !config.targets?.some((target) => target.name === name))
      faults.push({ path: [...path, "targets"], message: `there is no target "${name}"` });
  for (const id of window.probes ?? [])
    if (!id.includes("*") && !probes.some((probe) => probe.id === id))
      faults.push({ path: [...path, "probes"], message: `there is no probe "${id}"` });
  return [
    {
      match: {
        ...window.labels,
        ...(window.targets ? { target: window.targets } : {}),
        ...(window.probes ? { probe: window.probes } : {}),
      },
      cron: window.cron,
      timezone,
      duration: parseDuration(window.duration),
    },
  ];
}

function compileInhibition(rule: {
  readonly source: MatchConfig;
  readonly mutes: MatchConfig;
  readonly equal?: readonly string[] | undefined;
}): Inhibition {
  return { source: rule.source, mutes: rule.mutes, equal: rule.equal ?? [] };
}

/** What the packs know to follow from what, where both are probed. */
function packInhibitions(probes: readonly Probe[], packs: readonly Pack[]): Inhibition[] {
  const used = new Set(
    probes.flatMap(({ source }) => (source.kind === "pack" ? [`${source.pack} ${source.component}`] : [])),
  );
  return packs.flatMap((pack) =>
    pack.components
      .filter(({ component }) => used.has(`${pack.name} ${component}`))
      .flatMap(({ inhibit = [] }) => inhibit.map(compileInhibition)),
  );
}
