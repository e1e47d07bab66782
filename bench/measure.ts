import { readFileSync } from "node:fs";

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** The flags that run-probes is deployed with: they decide how much garbage Node lets lie. */
export function deployedNodeOptions(): string {
  const text = readFileSync(new URL("../functions/run-probes/function.yml", import.meta.url), "utf8");
  const options = /NODE_OPTIONS: (.+)/.exec(text)?.[1];
  if (!options) throw new Error("functions/run-probes/function.yml sets no NODE_OPTIONS");
  return options;
}
