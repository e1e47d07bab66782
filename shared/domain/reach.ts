import { hostOf } from "./network.ts";

/** How far an exchange came that no server answered, by what the transport saw. */
export type ReachStage =
  /** The name servers know no such name. */
  | "no-name"
  /** No name server gave an answer. */
  | "no-name-server"
  /** An address is known, and nothing came back from it: not even that nobody listens. */
  | "silent"
  /** The host is there and says that nothing listens. */
  | "refused"
  /** Somebody took the connection and ended it. */
  | "reset";

export interface Reach {
  readonly stage: ReachStage;
  readonly host: string;
  /** The address that was tried; null where the name gave none. */
  readonly address: string | null;
}

/** A transport's failure as a reach; null where a server was there. `code` is Node's. */
export function reachOf(code: string, url: string, address: string | null): Reach | null {
  const stage = stages[code];
  const host = hostOf(url);
  return stage ? { stage, host, address: address ?? (isNumeric(host) ? host : null) } : null;
}

const stages: Readonly<Record<string, ReachStage>> = {
  ENOTFOUND: "no-name",
  EAI_AGAIN: "no-name-server",
  ETIMEDOUT: "silent",
  EHOSTUNREACH: "silent",
  ENETUNREACH: "silent",
  EHOSTDOWN: "silent",
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
};

function isNumeric(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(":");
}
