import { once } from "node:events";
import { get } from "node:http";
import { createServer, type Server } from "node:net";

/** A port of 127.0.0.1 that was free a moment ago: the wanted one, or any. Rejects where that one is in use. */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer();
  const port = await listen(server, wanted);
  server.close();
  await once(server, "close");
  return port;
}

/** Lets a server listen on 127.0.0.1, by default on any free port, and answers the port. */
export async function listen(server: Server, wanted = 0): Promise<number> {
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

/** Whether a local URL answers 200 in time. */
export function answersOk(url: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: timeoutMs, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
