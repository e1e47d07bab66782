import type { Labels } from "../../shared/domain/series.ts";
import { code } from "./mrkdwn.ts";
import { room } from "./parts.ts";

export const shownLabels = 10;

/** Names that say how a series was collected rather than where it hurts come last. */
const plumbing = new Set([
  "job",
  "instance",
  "endpoint",
  "prometheus",
  "prometheus_replica",
  "uid",
  "pod_uid",
  "UUID",
  "container_id",
  "image_id",
  "pci_bus_id",
  "DCGM_FI_DRIVER_VERSION",
]);

export function orderedLabels(labels: Labels, width: number = room.label): string[] {
  return Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .sort(([a], [b]) => Number(plumbing.has(a)) - Number(plumbing.has(b)))
    .map(([name, value]) => code(`${name}=${value}`, width));
}

export function labelLine(labels: Labels): string {
  const all = orderedLabels(labels);
  const rest = all.length - shownLabels;
  return [...all.slice(0, shownLabels), ...(rest > 0 ? [`and ${rest} more`] : [])].join("  ");
}

/** The labels that all of them share, and what sets each apart from the others. */
export function tellApart(all: readonly Labels[]): {
  readonly shared: Labels;
  readonly own: readonly Labels[];
} {
  const [first = {}, ...rest] = all;
  const common = new Set(
    Object.entries(first).flatMap(([name, value]) =>
      rest.every((labels) => labels[name] === value) ? [name] : [],
    ),
  );
  const pick = (labels: Labels, wanted: boolean) =>
    Object.fromEntries(Object.entries(labels).filter(([name]) => common.has(name) === wanted));
  return { shared: pick(first, true), own: all.map((labels) => pick(labels, false)) };
}
