import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { answersOk, freePort } from "./loopback.ts";

export interface ServerOptions {
  /** In sentences. */
  readonly title: string;
  readonly program: string;
  readonly args: (port: number) => readonly string[];
  /** Its whole environment; by default this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly port?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends this process, and only this, and waits until it is gone. Safe to call twice. */
  stop(): Promise<void>;
  /** The end of what it logged. */
  logs(): string;
}

const readyWithinMs = 60_000;
const stopWithinMs = 10_000;
const keptLog = 64 * 1024;

/**
 * Starts a server of the Prometheus project on 127.0.0.1 and waits until it is ready to be asked. An Error of a
 * failed start ends with the last lines of its log. The process does not outlive this one.
 */
export async function startServerProcess(options: ServerOptions): Promise<RunningServer> {
  // Another process may take the free port before the server does.
  const attempts = options.port === undefined ? 3 : 1;
  for (let attempt = 1; ; attempt++) {
    const started = await tryStart(options, await freePort(options.port));
    if ("running" in started) return started.running;
    const portTaken = started.failure.includes("address already in use");
    if (attempt >= attempts || !portTaken)
      throw new Error(`${options.title} did not start: ${started.failure}`, { cause: started.cause });
  }
}

type Started = { running: RunningServer } | { failure: string; cause?: unknown };

async function tryStart({ program, args, env, signal }: ServerOptions, port: number): Promise<Started> {
  signal?.throwIfAborted();
  const child = spawn(program, [...args(port)], {
    stdio: ["ignore", "pipe", "pipe"],
    ...(env && { env: { ...env } }),
  });
  const log = keepLog(child);
  const killAtExit = () => child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const stop = async () => {
    await endProcess(child);
    process.removeListener("exit", killAtExit);
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, `${url}/-/ready`, signal);
  } catch (cause) {
    await stop();
    signal?.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    return { failure: [why, ...tellingLines(log())].join("\n"), cause };
  }
  return { running: { url, port, pid: child.pid ?? 0, stop, logs: log } };
}

async function untilReady(child: ChildProcess, url: string, signal: AbortSignal | undefined): Promise<void> {
  let ended: string | null = null;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, by) => {
    ended = `it ended with ${by ?? `exit code ${code}`}`;
  });
  const patience = AbortSignal.timeout(readyWithinMs);
  while (!(await answersOk(url, 2000))) {
    signal?.throwIfAborted();
    if (ended) throw new Error(ended);
    if (patience.aborted) throw new Error(`it was not ready within ${readyWithinMs / 1000} s`);
    await sleep(50);
  }
}

/** The last complaints of a log, or its last lines where it complains of nothing. */
function tellingLines(log: string): string[] {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const complaints = lines.filter((line) => /level=(error|warn)/i.test(line));
  return (complaints.length > 0 ? complaints : lines).slice(-5);
}

function keepLog(child: ChildProcess): () => string {
  let text = "";
  const keep = (chunk: string) => {
    text = (text + chunk).slice(-keptLog);
  };
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", keep);
  return () => text;
}

async function endProcess(child: ChildProcess): Promise<void> {
  const isGone = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  if (isGone()) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const patience = new AbortController();
  await Promise.race([
    exited,
    sleep(stopWithinMs, undefined, { signal: patience.signal }).catch(() => undefined),
  ]);
  patience.abort();
  if (isGone()) return;
  child.kill("SIGKILL");
  await exited;
}
