import { targetAttribute } from "../../shared/domain/alertmanager.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import type { Target } from "../../shared/domain/probe.ts";
import type { ReceivedAlert, ReceivedAlerts } from "../../shared/domain/received-alert.ts";

export type KnownTarget = Pick<Target, "name" | "cluster" | "amp">;

export interface Sorted {
  readonly byTarget: ReadonlyMap<string, readonly ReceivedAlert[]>;
  /** Alerts of which nothing says the target. */
  readonly homeless: number;
}

/**
 * Whose alerts these are. What the message says, in its body or an attribute, holds for all of them; else each
 * alert's own labels decide, else there must be one AMP target only. Throws a ConfigError where a message names
 * a target that config does not have.
 */
export function sortByTarget(
  { target, alerts }: Pick<ReceivedAlerts, "target" | "alerts">,
  attributes: Readonly<Record<string, string>>,
  targets: readonly KnownTarget[],
): Sorted {
  const named = target ?? attributes[targetAttribute];
  if (named !== undefined) return { byTarget: new Map([[known(named, targets), alerts]]), homeless: 0 };
  const only = onlyAmp(targets);
  // A message whose alerts were all cut away still says that something was lost.
  if (alerts.length === 0) return { byTarget: new Map(only === null ? [] : [[only, []]]), homeless: 0 };
  const groups = Map.groupBy(alerts, ({ labels }) => byLabels(labels, targets) ?? only);
  const homeless = groups.get(null)?.length ?? 0;
  const byTarget = new Map(
    [...groups].flatMap(([name, group]) => (name === null ? [] : [[name, group] as const])),
  );
  return { byTarget, homeless };
}

function known(name: string, targets: readonly KnownTarget[]): string {
  if (targets.some((target) => target.name === name)) return name;
  throw new ConfigError(
    `the message is of target ${JSON.stringify(name.slice(0, 100))}, which sonde.yaml does not have: render the Alertmanager definition anew, or add the target and deploy`,
  );
}

/** The target that a label names, or whose cluster alone it names. */
function byLabels(labels: ReceivedAlert["labels"], targets: readonly KnownTarget[]): string | null {
  const name = labels[targetAttribute] ?? labels.target;
  const named = targets.find((target) => target.name === name);
  if (named) return named.name;
  const ofCluster = targets.filter(({ cluster }) => cluster !== undefined && cluster === labels.cluster);
  return ofCluster.length === 1 ? (ofCluster[0]?.name ?? null) : null;
}

function onlyAmp(targets: readonly KnownTarget[]): string | null {
  const amp = targets.filter((target) => target.amp);
  return amp.length === 1 ? (amp[0]?.name ?? null) : null;
}
