import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

import { type Bundle, bundleFunction, packagesIn } from "../build/bundle.ts";

const runs = 21;
const root = resolve(import.meta.dirname, "..");

/** Size of each function's bundle, and what Node takes to import it in a fresh process. */
export async function benchBundles(): Promise<void> {
  console.log(
    `function          minified     gzip  modules  packages   import (median of ${runs} fresh processes)`,
  );
  for (const name of readdirSync(join(root, "functions")).sort()) {
    const bundle = await bundleFunction(root, `functions/${name}/handler.handler`);
    const code = Object.entries(bundle.files).find(([path]) => path.endsWith(".mjs"));
    const millis = await importTime(bundle, `./functions/${name}/handler.mjs`);
    console.log(
      name.padEnd(15),
      kilobytes(bundle.size).padStart(10),
      kilobytes(code ? gzipSync(code[1], { level: 9 }).length : 0).padStart(8),
      String(Object.keys(bundle.modules).length).padStart(8),
      String(packagesIn(bundle.modules).length).padStart(9),
      `${Math.round(millis)} ms`.padStart(8),
    );
  }
}

/** Milliseconds from the first line of a process to the loaded handler, source maps on as in Lambda. */
async function importTime(bundle: Bundle, handler: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "sonde-bench-"));
  for (const [path, contents] of Object.entries(bundle.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
  const code = `const start = performance.now(); await import("${handler}"); console.log(performance.now() - start);`;
  const args = ["--enable-source-maps", "--input-type=module", "--eval", code];
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env: {} });
    times.push(Number(stdout));
  }
  rmSync(folder, { recursive: true });
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? Number.NaN;
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`;
}
