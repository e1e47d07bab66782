import type { CompiledConfig, Target } from "../../../shared/domain/probe.ts";
import { aLevel, aPolicy, aProbe, aRoute } from "../builders.ts";
import type { World } from "../fake-prometheus.ts";
import { type Cloud, type CloudOptions, start, startCloud } from "./cloud.ts";

export const minute = 60_000;
export const channel = "#llm-oncall";

export function aTarget(name: string): Target {
  return { name, url: "http://localhost", auth: { kind: "none" }, amp: false, delay: 0 };
}

/** One target with one probe that warns above 80 and fails above 85 at once, told in one channel. */
export function aConfig(change: Partial<CompiledConfig> = {}): CompiledConfig {
  return {
    version: 1,
    targets: [aTarget("seoul")],
    probes: [aProbe({ levels: [aLevel("warn", "> 80"), aLevel("fail", "> 85")] })],
    transactions: [],
    incidents: aPolicy({ routes: [aRoute(channel)] }),
    heartbeat: "",
    network: null,
    writeResultsTo: "",
    slack: null,
    ...change,
  };
}

/** A GPU's temperature minute by minute, and the last of them from then on. */
export function heats(values: readonly number[], gpu = "5"): World {
  return (_, t) => {
    const v = values[Math.max(0, Math.floor((t - start) / minute))] ?? values.at(-1) ?? 0;
    return [{ labels: { gpu }, v }];
  };
}

/** Well, warm, hot, and well again: an incident with a message, an escalation and an end. */
export const oneIncident = heats([60, 82, 90, 60]);

/** Runs a test in a cloud of its own. */
export async function inCloud<T>(
  options: Partial<CloudOptions>,
  act: (cloud: Cloud) => Promise<T>,
): Promise<T> {
  const cloud = await startCloud({ config: aConfig(), worlds: () => oneIncident, ...options });
  try {
    return await act(cloud);
  } finally {
    await cloud.stop();
  }
}

/** Long enough for what lies in the queue to be given again, and for a round's announcement to arrive. */
export async function calm(cloud: Cloud): Promise<void> {
  await cloud.pass(7 * minute);
  await cloud.minutes(1);
}
