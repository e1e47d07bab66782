import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { type Document, LineCounter, parseDocument } from "yaml";

import { type ConfigSources, compileConfig } from "../shared/domain/compile.ts";
import { type ConfigFault, parseConfig, type SondeConfig } from "../shared/domain/config.ts";
import { ConfigError } from "../shared/domain/errors.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { builtinPacks } from "../shared/packs/load.ts";

export interface LoadedConfig {
  readonly config: SondeConfig;
  readonly compiled: CompiledConfig;
  /** One line each: what will not do what its author may expect. */
  readonly notes: readonly string[];
}

/**
 * Reads sonde.yaml with the packs, rule files and certificates that it names, and compiles it. Throws a
 * ConfigError with one line for each fault: file, line, path, what is wrong and what to write.
 */
export function loadConfigFile(path: string): LoadedConfig {
  const lines = new LineCounter();
  const document = parseDocument(readText(path, "write one by `sonde init --target URL`"), {
    lineCounter: lines,
  });
  const shown = relative(".", path) || path;
  const [broken] = document.errors;
  if (broken)
    throw new ConfigError(
      `${shown}:${broken.linePos?.[0].line ?? 1}: not YAML: ${firstLine(broken.message)}`,
    );
  const explain = (fault: ConfigFault) =>
    `${shown}:${lineOf(document, lines, fault.path)}: ${pathText(fault.path)}${fault.message}`;
  const parsed = parseConfig(document.toJS());
  if ("faults" in parsed) throw new ConfigError(parsed.faults.map(explain).join("\n"));
  const result = compileConfig(parsed.config, readSources(parsed.config, dirname(path)));
  if ("faults" in result) throw new ConfigError(result.faults.map(explain).join("\n"));
  return { config: parsed.config, compiled: result.compiled, notes: result.notes.map(explain) };
}

function readSources(config: SondeConfig, base: string): ConfigSources {
  const ruleFiles = (config.rules ?? []).flatMap((pattern) => {
    const files = globSync(pattern, { cwd: base }).sort();
    if (files.length === 0) throw new ConfigError(`rules: no file matches "${pattern}" beside sonde.yaml`);
    return files.map((file) => ({ file, data: readYaml(join(base, file)) }));
  });
  const certificates = (config.targets ?? []).flatMap(({ ca }) => {
    if (!ca) return [];
    return [
      [ca, readText(isAbsolute(ca) ? ca : join(base, ca), "targets[].ca names a PEM file beside sonde.yaml")],
    ];
  });
  return { packs: builtinPacks(), ruleFiles, certificates: Object.fromEntries(certificates) };
}

/** Parses one YAML file; throws a ConfigError with file and line where it is none. */
export function readYaml(path: string): unknown {
  const document = parseDocument(readText(path, "check the path"));
  const [broken] = document.errors;
  if (broken)
    throw new ConfigError(`${path}:${broken.linePos?.[0].line ?? 1}: not YAML: ${firstLine(broken.message)}`);
  return document.toJS();
}

function readText(path: string, advice: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why =
      cause instanceof Error && "code" in cause && cause.code === "ENOENT"
        ? "does not exist"
        : "cannot be read";
    throw new ConfigError(`${path} ${why}: ${advice}`, { cause });
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}

function pathText(path: ConfigFault["path"]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text ? `${text.replace(/^\./, "")}: ` : "";
}

/** The line of a path, or of the nearest thing around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: ConfigFault["path"]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)) {
      const [start] = node.range;
      if (typeof start === "number") return lines.linePos(start).line;
    }
  }
  return 1;
}
