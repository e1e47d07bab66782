import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { onPath } from "./executables.ts";
import { inspect } from "./inspect.ts";
import { run } from "./run.ts";
import type { Software } from "./software.ts";

interface AptOptions {
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly platform: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The distribution's package, unpacked into the cache: that needs no root and starts no service. Where what
 * was unpacked does not run and we are root, the package is installed after all. Null without apt.
 */
export async function installFromApt<Binaries>(
  software: Software<Binaries>,
  options: AptOptions,
): Promise<Binaries | null> {
  const { env, progress, signal } = options;
  const aptGet = await onPath("apt-get", env);
  const dpkgDeb = await onPath("dpkg-deb", env);
  if (options.platform !== "linux" || !aptGet || !dpkgDeb) return null;
  progress(`${software.title}: getting the distribution's package`);
  const unpacked = await unpackPackage(software, options, aptGet, dpkgDeb);
  if (await inspect(software, unpacked, "apt", env)) return unpacked;
  if (process.getuid?.() !== 0) return unpacked;
  progress(`${software.title}: installing the distribution's package`);
  await run(aptGet, ["install", "-y", "--no-install-recommends", software.debianPackage], {
    timeoutMs: 240_000,
    // RUNLEVEL=1 keeps the package from starting its service.
    env: { ...env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    signal,
  });
  return software.binariesIn("/usr/bin");
}

async function unpackPackage<Binaries>(
  { name, debianPackage, programs, binariesIn }: Software<Binaries>,
  options: AptOptions,
  aptGet: string,
  dpkgDeb: string,
): Promise<Binaries> {
  const { cacheDir, env, signal } = options;
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, "apt-"));
  try {
    await Promise.all(
      ["lists/partial", "cache/archives/partial", "root"].map((dir) =>
        mkdir(join(work, dir), { recursive: true }),
      ),
    );
    const settings = privateSettings(work);
    await run(aptGet, [...settings, "-qq", "update"], { timeoutMs: 120_000, env, signal });
    await run(aptGet, [...settings, "-qq", "download", debianPackage], {
      timeoutMs: 120_000,
      env,
      signal,
      cwd: work,
    });
    const file = (await readdir(work)).find((entry) => entry.endsWith(".deb"));
    if (!file) throw new Error(`apt-get download ${debianPackage} left no package`);
    await run(dpkgDeb, ["-x", join(work, file), join(work, "root")], { timeoutMs: 60_000, env, signal });
    const home = join(cacheDir, `${name}-apt`);
    await rm(home, { recursive: true, force: true });
    await rename(join(work, "root"), home);
    const binaries = await binariesIn(join(home, "usr", "bin"));
    if (!binaries) throw new Error(`the distribution's package ${debianPackage} does not hold ${programs}`);
    return binaries;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Package lists of our own: the system's may be empty or old, and only root may renew them. */
function privateSettings(work: string): string[] {
  const settings = {
    "Dir::State::Lists": join(work, "lists"),
    "Dir::Cache": join(work, "cache"),
    "Dir::State::status": "/var/lib/dpkg/status",
    "APT::Sandbox::User": "",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "20",
    "Acquire::https::Timeout": "20",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}
