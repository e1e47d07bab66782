import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

import { bundleFunction } from "../build/bundle.ts";
import { startLangfuse } from "../cli/stage/langfuse/server.ts";
import { runTrace } from "../functions/run-transactions/trace.ts";
import { buildLangfuseClient } from "../shared/adapters/langfuse-client.ts";
import { basePause } from "../shared/domain/transactions/poll-plan.ts";

const lags = [0.05, 0.2, 0.5, 1.3, 3, 8, 20];
/** So many runs with the same lag before the one that counts: their median tunes the pauses. */
const usual = 3;
const imports = 11;
const root = resolve(import.meta.dirname, "..");
const now = () => Date.now();

/**
 * How much later than it could a trace's verdict comes, over a range of true lags, in real time over real sockets;
 * and what run-transactions costs to start.
 */
export async function benchTransactions(): Promise<void> {
  console.log("true lag   history of   verdict after   bound (lag + one pause + 10 %)   polls");
  for (const lag of lags) {
    console.log(await row(lag, [], "none"));
    console.log(
      await row(
        lag,
        Array.from({ length: usual }, () => lag * 1000),
        `${lag} s`,
      ),
    );
  }
  const { bundle, importing, encoding } = await coldStart();
  console.log(`bundle ${Math.round(bundle / 1000)} KB minified (bound 900 KB)`);
  console.log(
    `import ${importing.toFixed(0)} ms without OpenTelemetry, which takes ${encoding.toFixed(0)} ms more when a trace is due (medians of ${imports} fresh processes)`,
  );
}

async function row(lag: number, history: readonly number[], name: string): Promise<string> {
  const keys = { publicKey: "pk-lf-bench", secretKey: "sk-lf-bench", project: { id: "p", name: "bench" } };
  const stage = await startLangfuse({ keys: [keys], now, lagMs: lag * 1000, deleteMs: 0 });
  try {
    const { value } = await runTrace(
      {
        url: stage.url,
        publicUrl: stage.url,
        project: "",
        plan: "self-hosted",
        patience: 120_000,
        environment: "sonde-probe",
        pricedModel: "",
        tenant: "bench",
        encoding: "protobuf",
      },
      {
        langfuse: buildLangfuseClient(
          { url: stage.url, keys: "bench" },
          { readSecret: async () => `${keys.publicKey}:${keys.secretKey}`, now },
        ),
        now,
        sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
        nonce: () => "bench",
      },
      {
        memory: {
          lags: history,
          pending: [],
          path: "v2",
          unknownKeyAt: null,
          deletes: { day: "", count: 0 },
        },
        remember: async () => undefined,
      },
    );
    const pause = basePause(history, { shortest: 250, longest: 5_000 }) / 1000;
    const polls = stage.calls().filter(({ path }) => path.includes("v2/observations?traceId")).length;
    return [
      `${lag} s`.padStart(8),
      name.padStart(12),
      `${(value ?? Number.NaN).toFixed(2)} s`.padStart(15),
      `${(lag * 1.1 + pause).toFixed(2)} s`.padStart(32),
      String(polls).padStart(7),
    ].join(" ");
  } finally {
    await stage.stop();
  }
}

/** Milliseconds to import the bundled handler, and the module of OpenTelemetry on top of it. */
async function coldStart(): Promise<{ bundle: number; importing: number; encoding: number }> {
  const handler = await bundleFunction(root, "functions/run-transactions/handler.handler");
  const encoder = await bundleFunction(root, "functions/run-transactions/encode-trace.encodeTrace");
  const folder = mkdtempSync(join(tmpdir(), "sonde-bench-"));
  for (const { files } of [handler, encoder])
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), contents);
    }
  const code = `
    const t = [performance.now()];
    for (const name of ["handler", "encode-trace"]) {
      await import("./functions/run-transactions/" + name + ".mjs");
      t.push(performance.now());
    }
    console.log(JSON.stringify([t[1] - t[0], t[2] - t[1]]));`;
  const times: number[][] = [];
  for (let run = 0; run < imports; run++) {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--enable-source-maps", "--input-type=module", "--eval", code],
      { cwd: folder, env: {} },
    );
    times.push(JSON.parse(stdout));
  }
  rmSync(folder, { recursive: true });
  const median = (index: number) =>
    times.map((one) => one[index] ?? Number.NaN).toSorted((a, b) => a - b)[imports >> 1] ?? Number.NaN;
  return { bundle: handler.size, importing: median(0), encoding: median(1) };
}
