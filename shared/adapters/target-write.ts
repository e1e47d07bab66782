import type { Target } from "../domain/probe.ts";
import { remoteWriteUrl } from "../domain/remote-write-url.ts";
import { buildSend } from "./http.ts";
import { buildRemoteWrite, type WriteSamples } from "./remote-write.ts";
import { authFor, type TargetClientDeps } from "./target-client.ts";

/** Writes samples to one target, once: what refuses them is to be seen, not got over. */
export function buildTargetWrite(
  target: Target,
  {
    readSecret,
    now,
    timeoutMs,
  }: Pick<TargetClientDeps, "readSecret" | "now"> & { readonly timeoutMs?: number },
): WriteSamples {
  const auth = authFor(target, readSecret, now);
  const send = buildSend({ auth, now, ...(target.ca === undefined ? {} : { ca: target.ca }) });
  const timeout = timeoutMs === undefined ? {} : { timeoutMs };
  return buildRemoteWrite({ url: remoteWriteUrl(target), send, now, ...timeout });
}
