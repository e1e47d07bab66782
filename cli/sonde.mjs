#!/usr/bin/env node
// Plain JavaScript, so that it starts under any Node and can hand over to the project's own Node 24.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";

if (Number(process.versions.node.split(".")[0]) < 24) {
  const own = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  if (!existsSync(own)) {
    console.error("sonde needs Node 24, which the project brings itself: run npm ci");
    process.exit(3);
  }
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const child = spawn(own, args, { stdio: "inherit" });
  // The terminal tells both of Ctrl-C and of its end; whoever ends this process alone means the other.
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => undefined);
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = await once(child, "close");
  process.exit(code ?? 3);
}
nodeModule.enableCompileCache();
const [{ main }, { realDeps }] = await Promise.all([import("./main.ts"), import("./deps.ts")]);
await main(process.argv.slice(2), realDeps());
