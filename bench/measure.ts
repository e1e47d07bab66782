import { readFileSync } from "node:fs";

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The flags that run-probes is deployed with: they decide how much garbage Node lets lie. */
export function deployedNodeOptions(): string {
  const text = readFileSync(new URL("../functions/run-probes/function.yml", import.meta.url), "utf8");
  const options = /NODE_OPTIONS: (.+)/.exec(text)?.[1];
  if (!options) throw new Error("functions/run-probes/function.yml sets no NODE_OPTIONS");
  return options;
}
