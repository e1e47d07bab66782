import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { Download } from "../../shared/adapters/download.ts";
import { run } from "./run.ts";
import type { Software } from "./software.ts";

interface ReleaseOptions {
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly platform: string;
  readonly arch: string;
  readonly download: Download;
  readonly signal?: AbortSignal | undefined;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * The official release for this machine, checked against the release's list of checksums and unpacked into
 * the cache. Null where there is no release for this machine.
 */
export async function installRelease<Binaries>(
  software: Software<Binaries>,
  options: ReleaseOptions,
): Promise<Binaries | null> {
  const { cacheDir, download, platform, env, progress, signal } = options;
  const { version, base } = software.release;
  const arch = architectures[options.arch];
  if (!arch || (platform !== "linux" && platform !== "darwin")) return null;
  const name = `${software.name}-${version}.${platform}-${arch}`;
  progress(`${software.title}: downloading ${name} from its official release`);
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, "release-"));
  try {
    const archive = join(work, `${name}.tar.gz`);
    const sums = join(work, "sha256sums.txt");
    await download(`${base}/sha256sums.txt`, sums, { timeoutMs: 30_000, maxBytes: 1 << 20, signal });
    await download(`${base}/${name}.tar.gz`, archive, { timeoutMs: 240_000, maxBytes: 512 << 20, signal });
    const expected = checksumOf(await readFile(sums, "utf8"), `${name}.tar.gz`);
    if (!expected) throw new Error(`the release's list of checksums does not name ${name}.tar.gz`);
    if ((await sha256(archive)) !== expected)
      throw new Error(`the checksum of ${name}.tar.gz is not the release's: nothing of it was run`);
    await run("tar", ["-xzf", archive, "-C", work], { timeoutMs: 60_000, env, signal });
    const home = join(cacheDir, `${software.name}-release`);
    await rm(home, { recursive: true, force: true });
    await rename(join(work, name), home);
    return await software.binariesIn(home);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The checksum of a file in a list in sha256sum's format. */
export function checksumOf(list: string, file: string): string | null {
  for (const line of list.split("\n")) {
    const [, sum, name] = /^([0-9a-f]{64})\s+\*?(\S+)\s*$/.exec(line) ?? [];
    if (sum && name === file) return sum;
  }
  return null;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}
