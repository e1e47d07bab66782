import type { Incident } from "./incident.ts";
import type { Route } from "./probe.ts";

/** The first route whose every label matches, as in Alertmanager; a route without labels matches all. */
export function routeFor(incident: Pick<Incident, "routing">, routes: readonly Route[]): Route | undefined {
  return routes.find(({ match }) =>
    Object.entries(match).every(([name, value]) => incident.routing[name] === value),
  );
}

/** Where a route's messages go, as one word: a Slack channel, or `webhook:` and the name of its secret. */
export function channelOf(route: Route): string | undefined {
  return route.slack ?? (route.webhookSecret ? `webhook:${route.webhookSecret}` : undefined);
}
