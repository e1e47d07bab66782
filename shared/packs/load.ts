import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { type Pack, parsePackFile } from "../domain/pack.ts";

const folder = import.meta.dirname;

/** The packs that come with Sonde. Reads files: for the build and the command line, not for Lambda. */
export function builtinPacks(): Pack[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => loadPack(entry.name))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Reads one built-in pack; throws an Error that names the file which is not a pack's. */
export function loadPack(name: string): Pack {
  const files = readdirSync(join(folder, name)).filter((file) => file.endsWith(".yaml"));
  const components = files.sort().map((file) => {
    const data: unknown = parse(readFileSync(join(folder, name, file), "utf8"));
    return parsePackFile(`${name}/${file}`, data);
  });
  return { name, components };
}
