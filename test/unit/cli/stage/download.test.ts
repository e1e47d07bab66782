import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { freePort, listen } from "../../../../cli/stage/loopback.ts";
import { buildDownload } from "../../../../shared/adapters/download.ts";

const limits = { timeoutMs: 5000, maxBytes: 100 };

async function download(answer: RequestListener, given = limits): Promise<string> {
  const server = createServer(answer);
  const port = await listen(server);
  const dir = await mkdtemp(join(tmpdir(), "sonde-test-"));
  try {
    await buildDownload()(`http://127.0.0.1:${port}/file`, join(dir, "file"), given);
    return await readFile(join(dir, "file"), "utf8");
  } finally {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
    await rm(dir, { recursive: true });
  }
}

test("a download lands in its file", async () => {
  await expect(download((_, response) => response.end("content"))).resolves.toBe("content");
});

test("an answer other than 200 is refused with its status", async () => {
  await expect(download((_, response) => response.writeHead(404).end("no"))).rejects.toThrow(
    /\/file answered 404$/,
  );
});

test("an answer that is too large is cut off", async () => {
  await expect(download((_, response) => response.end("x".repeat(200)))).rejects.toThrow(
    "is larger than 100 bytes",
  );
});

test("an answer that does not come is given up", async () => {
  await expect(download(() => undefined, { ...limits, timeoutMs: 100 })).rejects.toThrow(
    /could not be fetched: .*timeout/,
  );
});

test("a server that is not there is named with the reason", async () => {
  const port = await freePort();
  const failed = buildDownload()(`http://127.0.0.1:${port}/file`, "/nowhere/file", limits);
  await expect(failed).rejects.toThrow(/could not be fetched: connect ECONNREFUSED/);
});
