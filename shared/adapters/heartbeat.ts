import type { SendHttp } from "./http.ts";

const timeoutMs = 5_000;

/**
 * Calls a URL outside AWS after a good round. Its failure is told and swallowed: the watcher notices silence
 * by itself, and a round is no worse for it.
 */
export function buildHeartbeat(
  url: string,
  send: SendHttp,
  log: (level: "warn", message: string, data: Readonly<Record<string, unknown>>) => void,
): () => Promise<void> {
  return async () => {
    if (!url) return;
    try {
      const { status } = await send({ method: "GET", url, headers: {}, timeoutMs });
      if (status >= 400) log("warn", "the heartbeat URL refused the call", { status });
    } catch (error) {
      log("warn", "the heartbeat URL could not be reached", {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
}
