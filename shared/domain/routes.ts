import type { Incident } from "./incident.ts";
import { matches } from "./matching.ts";
import type { Escalation, Route } from "./probe.ts";

/**
 * The routes of an incident: the first whose labels match, and those after it for as long as one says
 * `continue`, as in Alertmanager; a route without labels matches all.
 */
export function routesFor({ labels }: Pick<Incident, "labels">, routes: readonly Route[]): Route[] {
  const found: Route[] = [];
  for (const route of routes) {
    if (!matches(route.match, labels)) continue;
    found.push(route);
    if (!route.continue) break;
  }
  return found;
}

/** Everywhere that config may send to. */
export function allChannels(routes: readonly Route[]): string[] {
  return [
    ...new Set(routes.flatMap(({ channels, escalation }) => [...channels, ...(escalation?.channels ?? [])])),
  ];
}

/** The first escalation among an incident's routes. */
export function escalationFor(routes: readonly Route[]): Escalation | undefined {
  return routes.find(({ escalation }) => escalation)?.escalation;
}
