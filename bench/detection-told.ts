import * as z from "zod/mini";

import { serveHttp } from "../test/support/loopback.ts";
import type { Injection } from "./detection-scene.ts";
import { median } from "./measure.ts";

/** When one system told of what, Unix milliseconds, by the injection's name. */
export interface Told {
  readonly firing: Map<string, number>;
  readonly recovered: Map<string, number>;
}

export function newTold(): Told {
  return { firing: new Map(), recovered: new Map() };
}

/** Notes what is told of an injection: what comes after its breach has ended is about its end. */
export function note(told: Told, injections: readonly Injection[], text: string, at: number): void {
  const injection = injections.find(({ name }) => text.includes(name));
  if (!injection) return;
  const { name, to } = injection;
  if (!told.firing.has(name)) told.firing.set(name, at);
  else if (at > to && !told.recovered.has(name)) told.recovered.set(name, at);
}

const notification = z.object({
  status: z.enum(["firing", "resolved"]),
  commonLabels: z.object({ alertname: z.string(), injection: z.string() }),
});

/** A receiver for one Alertmanager: what it tells of the rules of either name. */
export async function startReceiver(told: Readonly<Record<string, Told>>, now: () => number) {
  const server = await serveHttp(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const at = now();
    response.end();
    const { status, commonLabels } = notification.parse(JSON.parse(body));
    const own = told[commonLabels.alertname];
    const times = status === "firing" ? own?.firing : own?.recovered;
    if (times && !times.has(commonLabels.injection)) times.set(commonLabels.injection, at);
  });
  return { url: `http://127.0.0.1:${server.port}/`, stop: server.stop };
}

export interface Delays {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Seconds from an injection's begin or end until it was told. */
export function delaysOf(
  injections: readonly Injection[],
  told: ReadonlyMap<string, number>,
  since: (injection: Injection) => number,
): Delays {
  const seconds = injections.map((injection) => {
    const at = told.get(injection.name);
    if (at === undefined) throw new Error(`nobody was told of ${injection.name}`);
    return (at - since(injection)) / 1_000;
  });
  return { median: median(seconds), min: Math.min(...seconds), max: Math.max(...seconds) };
}
