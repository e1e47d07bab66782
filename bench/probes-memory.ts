import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import * as z from "zod/mini";

import { bundleFunction } from "../build/bundle.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { compiledConfigFile } from "../shared/lambda/config.ts";
import { serveHttp } from "../test/support/loopback.ts";
import { startS3 } from "../test/support/s3-server.ts";

const rounds = 10;
const result = z.object({ peak: z.number(), verdicts: z.number() });
const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs the bundled handler itself, with its SDK clients, for ten rounds a minute apart, and prints the most
 * memory that its process ever held.
 */
export async function benchMemory(
  config: CompiledConfig,
  directory: string,
  end: number,
  nodeOptions: string,
): Promise<void> {
  const { files } = await bundleFunction(root, "functions/run-probes/handler.handler");
  for (const [path, contents] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), contents);
  }
  await writeFile(join(directory, compiledConfigFile), JSON.stringify(config));
  await writeFile(join(directory, "drive.mjs"), driver(end));
  const s3 = await startS3();
  const bus = await serveHttp((_, response) => {
    response
      .writeHead(200, { "content-type": "application/x-amz-json-1.1" })
      .end('{"FailedEntryCount":0,"Entries":[]}');
  });
  try {
    const child = spawn(process.execPath, [join(directory, "drive.mjs")], {
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        NODE_OPTIONS: nodeOptions,
        LAMBDA_TASK_ROOT: directory,
        POWERTOOLS_SERVICE_NAME: "run-probes",
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "secret",
        AWS_ENDPOINT_URL: `http://127.0.0.1:${bus.port}`,
        AWS_ENDPOINT_URL_S3: s3.url,
        SONDE_BUCKET: "sonde-bench",
        SONDE_BUS: "sonde",
      },
    });
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error("the handler did not run");
    const { peak, verdicts } = result.parse(
      JSON.parse(await readFile(join(directory, "result.json"), "utf8")),
    );
    console.log(
      `  memory           ${peak.toFixed(0)} MB RSS at most, the whole handler over ${rounds} rounds of ${verdicts} verdicts (bound 150)`,
    );
  } finally {
    await s3.stop();
    await bus.stop();
  }
}

function driver(end: number): string {
  return `
import { writeFileSync } from "node:fs";
import { handler } from "./functions/run-probes/handler.mjs";
let verdicts = 0;
for (let round = ${rounds - 1}; round >= 0; round--) {
  const at = new Date(${end} - round * 60_000).toISOString().replace(".000Z", "Z");
  const report = await handler({ at }, { awsRequestId: "r", functionName: "f", getRemainingTimeInMillis: () => 55_000 });
  const { ok, warn, fail, unknown } = report.targets.bench;
  verdicts = ok + warn + fail + unknown;
}
writeFileSync(new URL("result.json", import.meta.url), JSON.stringify({ peak: process.resourceUsage().maxRSS / 1024, verdicts }));
process.exit(0);
`;
}
