#!/usr/bin/env node
// Plain JavaScript, so that it starts under any Node and can hand over to the project's own Node 24.
import { spawnSync } from "node:child_process";
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
  process.exit(spawnSync(own, args, { stdio: "inherit" }).status ?? 3);
}
nodeModule.enableCompileCache();
const [{ main }, { realDeps }] = await Promise.all([import("./main.ts"), import("./deps.ts")]);
await main(process.argv.slice(2), realDeps());
