import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, createServer as createTcp, type Server, type Socket } from "node:net";

export interface Loopback {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** A web server on a free loopback port; over TLS when given a certificate. */
export function serveHttp(
  answer: RequestListener,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Loopback> {
  return listen(tls === undefined ? createHttp(answer) : createHttps(tls, answer));
}

/** A TCP server on a free loopback port, for what no web server would do. */
export function serveTcp(greet: (socket: Socket) => void): Promise<Loopback> {
  return listen(createTcp(greet));
}

/**
 * A port where connections are neither taken nor refused: a process that listens and stands still, with its queue
 * full, so that the kernel drops what comes, as a security group does.
 */
export async function serveNobody(): Promise<Loopback> {
  const code =
    'const s = require("node:net").createServer(); s.listen(0, "127.0.0.1", 1, () => console.log(s.address().port));';
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(child.stdout, "data");
  const port = Number(String(line).trim());
  child.kill("SIGSTOP");
  const waiting = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await Promise.race(waiting.slice(1).map((socket) => once(socket, "connect")));
  const stop = async () => {
    for (const socket of waiting) socket.destroy();
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { port, stop };
}

function listen(server: Server): Promise<Loopback> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ port: typeof address === "object" && address !== null ? address.port : 0, stop });
    });
  });
}
