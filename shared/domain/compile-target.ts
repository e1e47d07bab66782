import type { TargetConfig } from "./config.ts";
import { parseDuration } from "./duration.ts";
import type { ConfigFault } from "./faults.ts";
import type { Target, TargetAuth } from "./probe.ts";

/** The public endpoints and those of a VPC (vpce-….aps-workspaces.<region>.vpce.amazonaws.com). */
const ampHost =
  /^(?:[a-z0-9-]+\.)?aps-workspaces(?:-fips)?\.([a-z0-9-]+)\.(?:(?:vpce\.)?amazonaws\.com(?:\.cn)?|api\.aws)$/;

/** How long AMP's samples take to arrive; the write-path probe will measure better. */
const ampDelay = 30_000;

/** Half of AMP's own wall: a query that would read more is a mistake, and is refused before it is billed. */
const ampMaxSamples = 25_000_000;

/** The targets of config; faults are added to the list. */
export function compileTargets(
  targets: readonly TargetConfig[],
  certificates: Readonly<Record<string, string>>,
  faults: ConfigFault[],
): Target[] {
  const names = new Set<string>();
  return targets.flatMap((target, index) => {
    const path = ["targets", index];
    if (names.has(target.name))
      faults.push({ path: [...path, "name"], message: `two targets are called "${target.name}"` });
    names.add(target.name);
    const url = URL.parse(target.prometheus);
    if (!url) {
      faults.push({ path: [...path, "prometheus"], message: `"${target.prometheus}" is not a URL` });
      return [];
    }
    if (url.username || url.password) {
      faults.push({
        path: [...path, "prometheus"],
        message: "holds a password: name the secret under auth.basic.passwordSecret instead",
      });
      return [];
    }
    if (url.search || url.hash) {
      faults.push({
        path: [...path, "prometheus"],
        message: "holds more than an address: leave out the ? or # and what follows",
      });
      return [];
    }
    const region = ampHost.exec(url.hostname)?.[1];
    const certificate = target.ca === undefined ? undefined : certificates[target.ca];
    if (target.ca !== undefined && certificate === undefined) {
      faults.push({
        path: [...path, "ca"],
        message: `${target.ca} holds no certificate: name a PEM file beside sonde.yaml`,
      });
      return [];
    }
    const maxSamples = target.maxSamplesPerQuery ?? (region ? ampMaxSamples : undefined);
    return [
      {
        name: target.name,
        url: target.prometheus.replace(/\/+$/, ""),
        auth: compileAuth(target, region),
        amp: region !== undefined,
        delay: target.delay ? parseDuration(target.delay) : region ? ampDelay : 0,
        ...(target.cluster ? { cluster: target.cluster } : {}),
        ...(certificate === undefined ? {} : { ca: certificate }),
        ...(maxSamples === undefined ? {} : { maxSamplesPerQuery: maxSamples }),
      },
    ];
  });
}

function compileAuth(target: TargetConfig, ampRegion: string | undefined): TargetAuth {
  if (target.auth && "basic" in target.auth) return { kind: "basic", ...target.auth.basic };
  if (target.auth) return { kind: "bearer", ...target.auth.bearer };
  const region = target.region ?? ampRegion;
  if (!region) return { kind: "none" };
  const { roleArn, externalId } = target.assumeRole ?? {};
  return {
    kind: "sigv4",
    region,
    service: target.service ?? "aps",
    ...(roleArn ? { assumeRole: { roleArn, ...(externalId ? { externalId } : {}) } } : {}),
  };
}
