import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

interface DownloadLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Fetches a URL into a file. Rejects with one line where the answer is not 200, too large or too slow. */
export type Download = (url: string, file: string, limits: DownloadLimits) => Promise<void>;

export function buildDownload(fetchUrl: typeof fetch = fetch): Download {
  return async (url, file, { timeoutMs, maxBytes, signal }) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const given = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const answer = await fetchUrl(url, { signal: given }).catch((cause: unknown) => {
      throw new Error(`${url} could not be fetched: ${reasonOf(cause)}`, { cause });
    });
    if (!answer.ok || !answer.body) {
      await answer.body?.cancel();
      throw new Error(`${url} answered ${answer.status}`);
    }
    await pipeline(limited(answer.body, url, maxBytes), createWriteStream(file));
  };
}

async function* limited(body: AsyncIterable<Uint8Array>, url: string, maxBytes: number) {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`${url} is larger than ${maxBytes} bytes`);
    yield chunk;
  }
}

/** fetch hides what went wrong (a refused connection, an unknown host) in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
