import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { buildDownload, type Download } from "../../shared/adapters/download.ts";
import { type Found, inspect } from "./inspect.ts";
import { installFromApt } from "./install-apt.ts";
import { installFromBrew } from "./install-brew.ts";
import { installRelease } from "./install-release.ts";
import type { Software } from "./software.ts";

export interface FindOptions {
  /** Where what is installed is kept for the next time. */
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly allowInstall: boolean;
  readonly download?: Download;
  readonly platform?: string;
  readonly arch?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Somewhere software can be got from; null where it does not apply on this machine. */
interface Source<Binaries> {
  readonly name: "apt" | "brew" | "release";
  readonly install: () => Promise<Binaries | null>;
}

/**
 * Finds software: on PATH, else in the cache, else from the system's package manager or the official release,
 * which are then kept in the cache. Throws an Error of one line that says what to do.
 */
export async function findSoftware<Binaries>(
  software: Software<Binaries>,
  options: FindOptions,
): Promise<Found<Binaries>> {
  const { env, cacheDir, progress } = options;
  const known =
    (await firstGood(software, "path", (env.PATH ?? "").split(":").filter(Boolean), env)) ??
    (await firstGood(software, "cache", cachedDirs(software, cacheDir), env));
  if (known) return known;
  const failures: string[] = [];
  if (options.allowInstall) await checkCache(software, cacheDir);
  for (const source of options.allowInstall ? sourcesOf(software, options) : []) {
    try {
      const binaries = await source.install();
      if (!binaries) continue;
      const found = await inspect(software, binaries, source.name, env);
      if (found) return found;
      failures.push(`what ${source.name} gave does not run`);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(error instanceof Error ? error.message : String(error));
    }
    progress(`${software.title}: ${failures.at(-1)}`);
  }
  throw new Error(notFound(software, options.platform ?? process.platform, failures));
}

/** What is installed must be kept somewhere; that it cannot be is better said before anything is downloaded. */
async function checkCache({ title }: { readonly title: string }, cacheDir: string): Promise<void> {
  try {
    await mkdir(cacheDir, { recursive: true });
    await access(cacheDir, constants.W_OK);
  } catch (cause) {
    throw new Error(
      `no ${title} on PATH, and one cannot be kept in ${cacheDir}: set XDG_CACHE_HOME to a folder that can be written, or install ${title}`,
      { cause },
    );
  }
}

async function firstGood<Binaries>(
  software: Software<Binaries>,
  source: "path" | "cache",
  dirs: readonly string[],
  env: FindOptions["env"],
): Promise<Found<Binaries> | null> {
  for (const dir of dirs) {
    const binaries = await software.binariesIn(dir);
    const found = binaries && (await inspect(software, binaries, source, env));
    if (found) return found;
  }
  return null;
}

function cachedDirs({ name }: { readonly name: string }, cacheDir: string): string[] {
  return [join(cacheDir, `${name}-release`), join(cacheDir, `${name}-apt`, "usr", "bin")];
}

function sourcesOf<Binaries>(software: Software<Binaries>, options: FindOptions): Source<Binaries>[] {
  const { platform = process.platform, arch = process.arch, download = buildDownload() } = options;
  return [
    { name: "apt", install: () => installFromApt(software, { ...options, platform }) },
    { name: "brew", install: () => installFromBrew(software, { ...options, platform }) },
    { name: "release", install: () => installRelease(software, { ...options, platform, arch, download }) },
  ];
}

function notFound(
  {
    title,
    brewFormula,
    debianPackage,
    programs,
  }: Pick<Software<never>, "title" | "brewFormula" | "debianPackage" | "programs">,
  platform: string,
  failures: readonly string[],
): string {
  const unpack = "unpack the release from https://prometheus.io/download";
  const how =
    platform === "darwin" && brewFormula
      ? `run \`brew install ${brewFormula}\``
      : platform === "linux"
        ? `run \`apt-get install ${debianPackage}\`, or ${unpack}`
        : unpack;
  const tried = failures.length > 0 ? ` (${failures.join("; ")})` : "";
  const be = programs.includes(" and ") ? "are" : "is";
  return `no ${title} was found${tried}: ${how}, so that ${programs} ${be} on PATH`;
}
