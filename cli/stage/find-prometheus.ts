import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { buildDownload, type Download } from "../../shared/adapters/download.ts";
import { type Binaries, binariesIn, type FoundPrometheus, inspect } from "./binaries.ts";
import { installFromApt } from "./install-apt.ts";
import { installFromBrew } from "./install-brew.ts";
import { installRelease, releaseBase } from "./install-release.ts";

export interface FindOptions {
  /** Where an installed Prometheus is kept for the next time. */
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly allowInstall: boolean;
  readonly download?: Download;
  readonly platform?: string;
  readonly arch?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Somewhere a Prometheus can be got from; null where it does not apply on this machine. */
interface Source {
  readonly name: "apt" | "brew" | "release";
  readonly install: () => Promise<Binaries | null>;
}

/**
 * Finds a Prometheus with its promtool: on PATH, else in the cache, else from the system's package manager
 * or the official release, which are then kept in the cache. Throws an Error of one line that says what to do.
 */
export async function findPrometheus(options: FindOptions): Promise<FoundPrometheus> {
  const { env, cacheDir, progress } = options;
  const known =
    (await firstGood("path", (env.PATH ?? "").split(":").filter(Boolean), env)) ??
    (await firstGood("cache", cachedDirs(cacheDir), env));
  if (known) return known;
  const failures: string[] = [];
  if (options.allowInstall) await checkCache(cacheDir);
  for (const source of options.allowInstall ? sourcesOf(options) : []) {
    try {
      const binaries = await source.install();
      if (!binaries) continue;
      const found = await inspect(binaries, source.name, env);
      if (found) return found;
      failures.push(`what ${source.name} gave does not run`);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(error instanceof Error ? error.message : String(error));
    }
    progress(`Prometheus: ${failures.at(-1)}`);
  }
  throw new Error(notFound(options.platform ?? process.platform, failures));
}

/** What is installed must be kept somewhere; that it cannot be is better said before anything is downloaded. */
async function checkCache(cacheDir: string): Promise<void> {
  try {
    await mkdir(cacheDir, { recursive: true });
    await access(cacheDir, constants.W_OK);
  } catch (cause) {
    throw new Error(
      `no Prometheus on PATH, and one cannot be kept in ${cacheDir}: set XDG_CACHE_HOME to a folder that can be written, or install Prometheus`,
      { cause },
    );
  }
}

async function firstGood(
  source: "path" | "cache",
  dirs: readonly string[],
  env: FindOptions["env"],
): Promise<FoundPrometheus | null> {
  for (const dir of dirs) {
    const binaries = await binariesIn(dir);
    const found = binaries && (await inspect(binaries, source, env));
    if (found) return found;
  }
  return null;
}

function cachedDirs(cacheDir: string): string[] {
  return [join(cacheDir, "prometheus-release"), join(cacheDir, "prometheus-apt", "usr", "bin")];
}

function sourcesOf(options: FindOptions): Source[] {
  const { platform = process.platform, arch = process.arch, download = buildDownload() } = options;
  return [
    { name: "apt", install: () => installFromApt({ ...options, platform }) },
    { name: "brew", install: () => installFromBrew({ ...options, platform }) },
    {
      name: "release",
      install: () => installRelease({ ...options, platform, arch, download, base: releaseBase }),
    },
  ];
}

function notFound(platform: string, failures: readonly string[]): string {
  const how =
    platform === "darwin"
      ? "run `brew install prometheus`"
      : platform === "linux"
        ? "run `apt-get install prometheus`, or unpack the release from https://prometheus.io/download"
        : "unpack the release from https://prometheus.io/download";
  const tried = failures.length > 0 ? ` (${failures.join("; ")})` : "";
  return `no Prometheus was found${tried}: ${how}, so that prometheus and promtool are on PATH`;
}
