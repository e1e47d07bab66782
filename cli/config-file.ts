import { X509Certificate } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative } from "node:path";
import { type Document, LineCounter, parseDocument } from "yaml";

import { type ConfigSources, compileConfig } from "../shared/domain/compile.ts";
import { parseConfig, type SondeConfig } from "../shared/domain/config.ts";
import { ConfigError } from "../shared/domain/errors.ts";
import type { ConfigFault } from "../shared/domain/faults.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { warningsOf } from "../shared/domain/rule-warnings.ts";
import { builtinPacks } from "../shared/packs/load.ts";

export interface LoadedConfig {
  readonly config: SondeConfig;
  readonly compiled: CompiledConfig;
  /** One line each: what will not do what its author may expect. */
  readonly notes: readonly string[];
  /** The same of single rules in rule files, for whoever asks: one line with file, group and rule. */
  readonly ruleWarnings: readonly string[];
}

/** What could be read of a config that has faults: everything but the faulty parts. */
export interface ReadConfig extends LoadedConfig {
  /** One line for each fault: file, line, path, what is wrong and what to write. */
  readonly faults: readonly string[];
}

/** Reads and compiles sonde.yaml with the packs, rule files and certificates that it names. Throws a ConfigError with all faults. */
export function loadConfigFile(path: string): LoadedConfig {
  const { faults, ...loaded } = readConfigFile(path);
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
  return loaded;
}

/** The same, but a faulty probe, target or route is left out and told; throws where nothing can be used. */
export function readConfigFile(path: string): ReadConfig {
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
  const { config, faults, inFile } = parseWhatCanBe(toData(document, shown));
  if (!config) throw new ConfigError(faults.map(explain).join("\n"));
  const read = readSources(config, dirname(path));
  const result = compileConfig(config, read.sources);
  const explainRest = ({ path: at, message }: ConfigFault) => explain({ path: inFile(at), message });
  return {
    config,
    compiled: result.compiled,
    notes: result.notes.map(explainRest),
    ruleWarnings: read.sources.ruleFiles.flatMap(({ file, data }) => warningsOf(file, data)),
    faults: [...faults.map(explain), ...[...read.faults, ...result.faults].map(explainRest)],
  };
}

interface Parsed {
  readonly config?: SondeConfig;
  readonly faults: readonly ConfigFault[];
  /** The path in the file of a path in the config, which lacks the entries at fault. */
  readonly inFile: (path: ConfigFault["path"]) => ConfigFault["path"];
}

/** Parses the config, and where entries of its lists are at fault, parses again without them. */
function parseWhatCanBe(data: unknown): Parsed {
  const parsed = parseConfig(data);
  const asItIs = (path: ConfigFault["path"]) => path;
  if ("config" in parsed) return { config: parsed.config, faults: [], inFile: asItIs };
  const { faults } = parsed;
  const inLists = faults.every(
    ({ path: [list, index] }) => typeof list === "string" && typeof index === "number",
  );
  if (!inLists || typeof data !== "object" || data === null) return { faults, inFile: asItIs };
  const sound = Object.entries(data).map(([key, value]) => {
    const faulty = new Set(faults.flatMap(({ path }) => (path[0] === key ? [path[1]] : [])));
    const indexes = Array.isArray(value) ? [...value.keys()].filter((index) => !faulty.has(index)) : [];
    return { key, indexes, value: Array.isArray(value) ? indexes.map((index) => value[index]) : value };
  });
  const rest = parseConfig(Object.fromEntries(sound.map(({ key, value }) => [key, value])));
  if (!("config" in rest)) return { faults, inFile: asItIs };
  const inFile = (path: ConfigFault["path"]) => {
    const [list, index, ...more] = path;
    const indexes = sound.find(({ key }) => key === list)?.indexes;
    const original = typeof index === "number" ? indexes?.[index] : undefined;
    return list === undefined || original === undefined ? path : [list, original, ...more];
  };
  return { config: rest.config, faults, inFile };
}

function readSources(config: SondeConfig, base: string): { sources: ConfigSources; faults: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const ruleFiles = (config.rules ?? []).flatMap((pattern, index) => {
    const path = ["rules", index];
    const files = globSync(pattern, { cwd: base }).sort();
    if (files.length === 0) faults.push({ path, message: `no file beside sonde.yaml matches "${pattern}"` });
    return files.flatMap((file) => {
      try {
        return [{ file, data: readYaml(join(base, file)) }];
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        faults.push({ path, message: error.message });
        return [];
      }
    });
  });
  const withCertificates = [
    ...(config.targets ?? []),
    ...(config.langfuse ? [config.langfuse] : []),
    ...(config.completion ?? []),
    ...(config.traces ?? []),
    ...(config.logs ?? []),
  ];
  const certificates = withCertificates.flatMap(({ ca }) => {
    const pem = ca && readCertificate(isAbsolute(ca) ? ca : join(base, ca));
    return pem ? [[ca, pem]] : [];
  });
  return {
    sources: { packs: builtinPacks(), ruleFiles, certificates: Object.fromEntries(certificates) },
    faults,
  };
}

/** A file's text where that is a certificate in PEM. */
function readCertificate(path: string): string | undefined {
  try {
    const text = readFileSync(path, "utf8");
    new X509Certificate(text);
    return text;
  } catch {
    return undefined;
  }
}

/** Parses one YAML file; throws a ConfigError with file and line where it is none. */
export function readYaml(path: string): unknown {
  const document = parseDocument(readText(path, "check the path"));
  const [broken] = document.errors;
  if (broken)
    throw new ConfigError(`${path}:${broken.linePos?.[0].line ?? 1}: not YAML: ${firstLine(broken.message)}`);
  return toData(document, path);
}

/** What a document says; aliases without an anchor, or without an end, are found only now. */
function toData(document: Document, shown: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const what = cause instanceof Error ? firstLine(cause.message) : String(cause);
    throw new ConfigError(`${shown}: not YAML: ${what}`, { cause });
  }
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
