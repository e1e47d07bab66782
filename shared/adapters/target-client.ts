import type { Target } from "../domain/probe.ts";
import type { PrometheusClient } from "../domain/prometheus.ts";
import type { ReadSecret } from "../domain/secret.ts";
import { buildCredentials } from "./aws-credentials.ts";
import { buildSend } from "./http.ts";
import type { Auth } from "./http-auth.ts";
import { buildPrometheusClient } from "./prometheus.ts";

export interface TargetClientDeps {
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
  /** Unix milliseconds by which every request must be over: the Lambda's remaining time. */
  readonly deadline?: () => number;
}

/** The client for one target, its authentication and its cost guard in place. Connections are kept between calls. */
export async function buildTargetClient(target: Target, deps: TargetClientDeps): Promise<PrometheusClient> {
  const { readSecret, ...rest } = deps;
  const auth = authFor(target, readSecret, deps.now);
  const client = buildPrometheusClient({
    url: target.url,
    send: buildSend({ auth, now: deps.now, ...(target.ca === undefined ? {} : { ca: target.ca }) }),
    amp: target.amp,
    stats: true,
    ...rest,
  });
  const { maxSamplesPerQuery: maxSamples } = target;
  if (maxSamples === undefined) return client;
  return {
    ...client,
    queryRange: (query) => client.queryRange({ maxSamples, ...query }),
    queryInstant: (query) => client.queryInstant({ maxSamples, ...query }),
  };
}

/** How requests to a target are authorised; secrets are read when they are needed. */
export function authFor({ auth, name }: Target, readSecret: ReadSecret, now: () => number): Auth {
  switch (auth.kind) {
    case "none":
      return { kind: "none" };
    case "basic":
      return {
        kind: "stored",
        read: async () => ({
          kind: "basic",
          user: auth.username,
          password: await readSecret(auth.passwordSecret),
        }),
      };
    case "bearer":
      return {
        kind: "stored",
        read: async () => ({ kind: "bearer", token: await readSecret(auth.tokenSecret) }),
      };
    case "sigv4": {
      const { region, service, assumeRole } = auth;
      const role = assumeRole && { ...assumeRole, sessionName: `sonde-${name}`.slice(0, 64) };
      return {
        kind: "sigv4",
        region,
        service,
        credentials: buildCredentials({ region, now, ...(role ? { assumeRole: role } : {}) }),
      };
    }
  }
}
