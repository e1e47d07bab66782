import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod/mini";

import { configSchema } from "../shared/domain/config.ts";

/** The JSON Schema of sonde.yaml, for editors. */
export function renderConfigSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: "input", target: "draft-2020-12" });
  return `${JSON.stringify({ title: "sonde.yaml", ...schema }, null, 2)}\n`;
}

const path = fileURLToPath(new URL("../sonde.schema.json", import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) writeFileSync(path, renderConfigSchema());
  else if (readFileSync(path, "utf8") !== renderConfigSchema()) {
    console.error("sonde.schema.json is not what shared/domain/config.ts says: run npm run schema");
    process.exitCode = 1;
  }
}
