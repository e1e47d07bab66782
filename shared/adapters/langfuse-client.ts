import type { ReadSecret } from "../domain/secret.ts";
import type { LangfuseSettings } from "../domain/transactions/compiled.ts";
import { parseLangfuseKeys } from "../domain/transactions/langfuse-keys.ts";
import { buildSend } from "./http.ts";
import type { Auth } from "./http-auth.ts";
import { buildLangfuse, type Langfuse } from "./langfuse.ts";

export interface LangfuseClientDeps {
  readonly readSecret: ReadSecret;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds; a POST that takes longer hangs. */
  readonly postTimeoutMs?: number;
  readonly timeoutMs?: number;
}

/** So long does nothing well take; what hangs longer waits for Redis. */
const defaultPostTimeoutMs = 20_000;
const defaultTimeoutMs = 10_000;

/** The Langfuse of config. Its keys are read for each request, so that a change of them needs no restart. */
export function buildLangfuseClient(
  { url, keys, ca }: Pick<LangfuseSettings, "url" | "keys" | "ca">,
  { readSecret, now, postTimeoutMs = defaultPostTimeoutMs, timeoutMs = defaultTimeoutMs }: LangfuseClientDeps,
): Langfuse {
  const pair = async () => parseLangfuseKeys(await readSecret(keys), keys);
  const sender = (auth: Auth) => buildSend({ auth, now, ...(ca === undefined ? {} : { ca }) });
  const basic = async (): Promise<Auth> => {
    const { publicKey, secretKey } = await pair();
    return { kind: "basic", user: publicKey, password: secretKey };
  };
  const bearer = async (): Promise<Auth> => ({ kind: "bearer", token: (await pair()).publicKey });
  return buildLangfuse({
    url,
    send: {
      keys: sender({ kind: "stored", read: basic }),
      bearer: sender({ kind: "stored", read: bearer }),
      plain: sender({ kind: "none" }),
    },
    postTimeoutMs,
    timeoutMs,
    now,
  });
}
