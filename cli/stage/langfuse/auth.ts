import { json, type StageAnswer } from "./answer.ts";

export interface StageKey {
  readonly publicKey: string;
  readonly secretKey: string;
  readonly project: { readonly id: string; readonly name: string };
}

/** Who a request comes from, or the answer that turns it away. */
export type Admission = { readonly project: StageKey["project"] } | { readonly refused: StageAnswer };

export interface Gate {
  readonly admit: (authorization: string | undefined, database: "up" | "down") => Admission;
  readonly addKey: (key: StageKey) => void;
}

/** For so long an unknown key stays unknown, from the last time that it was tried. */
const negativeCacheMs = 300_000;

/**
 * Langfuse's own rules: Basic is looked up by the secret alone, so that any public key will do beside it, and
 * Bearer by the public key, which may not ingest. What is looked up once is cached, found or not.
 */
export function buildGate(initial: readonly StageKey[], now: () => number): Gate {
  const keys = [...initial];
  const known = new Map<string, StageKey>();
  const unknownUntil = new Map<string, number>();
  const refuse = (message: string): Admission => ({ refused: json(401, { message }) });

  const bySecret = (secret: string, database: "up" | "down"): Admission => {
    const cached = known.get(secret);
    if (cached) return { project: cached.project };
    const until = unknownUntil.get(secret) ?? 0;
    if (until > now()) {
      unknownUntil.set(secret, now() + negativeCacheMs);
      return refuse("Invalid credentials. Confirm that you've configured the correct host.");
    }
    if (database === "down")
      return { refused: json(503, { message: "Service Unavailable", error: "Database unavailable" }) };
    const key = keys.find((one) => one.secretKey === secret);
    if (!key) {
      unknownUntil.set(secret, now() + negativeCacheMs);
      return refuse("Invalid credentials. Confirm that you've configured the correct host.");
    }
    known.set(secret, key);
    return { project: key.project };
  };

  return {
    admit: (authorization, database) => {
      if (!authorization) return refuse("No authorization header");
      if (authorization.startsWith("Basic ")) {
        const pair = Buffer.from(authorization.slice("Basic ".length), "base64").toString();
        const colon = pair.indexOf(":");
        if (colon < 0) return refuse("Invalid authorization header");
        return bySecret(pair.slice(colon + 1), database);
      }
      if (!authorization.startsWith("Bearer ")) return refuse("Invalid authorization header");
      const token = authorization.slice("Bearer ".length);
      if (!keys.some(({ publicKey }) => publicKey === token)) return refuse("Invalid public key");
      return {
        refused: json(403, {
          message: "Access denied - insufficient permissions to access this resource",
        }),
      };
    },
    addKey: (key) => keys.push(key),
  };
}
