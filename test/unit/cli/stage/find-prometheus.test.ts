import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { findAlertmanager } from "../../../../cli/stage/find-alertmanager.ts";
import { findPrometheus } from "../../../../cli/stage/find-prometheus.ts";
import type { FindOptions } from "../../../../cli/stage/find-software.ts";
import { checksumOf, installRelease } from "../../../../cli/stage/install-release.ts";
import { prometheusSoftware } from "../../../../cli/stage/software.ts";
import type { Download } from "../../../../shared/adapters/download.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sonde-test-"));
});
afterEach(() => rm(dir, { recursive: true }));

const unreachable: Download = async (url) => {
  throw new Error(`${url} could not be fetched: no network`);
};

async function putPrograms(
  folder: string,
  version: string,
  names: readonly string[] = ["prometheus", "promtool"],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of names) {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name}, version ${version} (branch: x)"\n`);
    await chmod(join(folder, name), 0o755);
  }
}

function options(overrides: Partial<FindOptions> = {}): FindOptions {
  return {
    cacheDir: join(dir, "cache"),
    env: { PATH: join(dir, "empty") },
    progress: () => undefined,
    allowInstall: true,
    download: unreachable,
    ...overrides,
  };
}

function find(overrides: Partial<FindOptions> = {}) {
  return findPrometheus(options(overrides));
}

test("with nothing there and no permission to install, it says in one line what to do", async () => {
  await expect(find({ allowInstall: false, platform: "linux" })).rejects.toThrow(
    /^no Prometheus was found: run `apt-get install prometheus`, or unpack the release .* are on PATH$/,
  );
  await expect(find({ allowInstall: false, platform: "darwin" })).rejects.toThrow(/brew install prometheus/);
});

test("the reasons of what was tried stand in the message", async () => {
  const lines: string[] = [];
  const failed = find({ progress: (line) => lines.push(line), platform: "linux", arch: "x64" });
  await expect(failed).rejects.toThrow(/sha256sums\.txt could not be fetched: no network/);
  expect(lines.at(-1)).toMatch(/no network/);
});

test("a Prometheus on PATH comes first", async () => {
  const bin = join(dir, "bin");
  await putPrograms(bin, "2.53.1");
  await putPrograms(join(dir, "cache", "prometheus-release"), "3.5.0");
  await expect(find({ env: { PATH: `/nowhere:${bin}` } })).resolves.toEqual({
    prometheus: join(bin, "prometheus"),
    promtool: join(bin, "promtool"),
    version: "2.53.1",
    source: "path",
  });
});

test.each(["2.38.0", "1.8.2"])("a Prometheus as old as %s is passed over for the cached one", async (old) => {
  const bin = join(dir, "bin");
  await putPrograms(bin, old);
  await putPrograms(join(dir, "cache", "prometheus-apt", "usr", "bin"), "2.42.0+ds");
  await expect(find({ env: { PATH: bin } })).resolves.toMatchObject({
    version: "2.42.0+ds",
    source: "cache",
  });
});

test("a prometheus without its promtool is none", async () => {
  const bin = join(dir, "bin");
  await putPrograms(bin, "2.53.1");
  await rm(join(bin, "promtool"));
  await expect(find({ env: { PATH: bin }, allowInstall: false })).rejects.toThrow("no Prometheus was found");
});

test.each([
  ["the release's", "alertmanager"],
  ["Debian's", "prometheus-alertmanager"],
])("an Alertmanager is found under %s name", async (_, program) => {
  const bin = join(dir, "bin");
  await putPrograms(bin, "0.25.0", [program]);
  await expect(findAlertmanager(options({ env: { PATH: bin } }))).resolves.toEqual({
    alertmanager: join(bin, program),
    version: "0.25.0",
    source: "path",
  });
});

test("an Alertmanager that cannot send to SNS is passed over, and what to do is said", async () => {
  const bin = join(dir, "bin");
  await putPrograms(bin, "0.22.2", ["alertmanager"]);
  const found = findAlertmanager(options({ env: { PATH: bin }, allowInstall: false, platform: "linux" }));
  await expect(found).rejects.toThrow(
    /^no Alertmanager was found: run `apt-get install prometheus-alertmanager`, or .* alertmanager is on PATH$/,
  );
});

const releaseVersion = prometheusSoftware.release.version;
const name = `prometheus-${releaseVersion}.linux-arm64`;

/** A release server: the archive, and a list of checksums that names it. */
async function release(checksum?: string): Promise<Download> {
  await putPrograms(join(dir, "release", name), releaseVersion);
  const archive = join(dir, `${name}.tar.gz`);
  execFileSync("tar", ["-czf", archive, "-C", join(dir, "release"), name]);
  const sum =
    checksum ??
    createHash("sha256")
      .update(await readFile(archive))
      .digest("hex");
  const list = `${"0".repeat(64)}  prometheus-${releaseVersion}.linux-amd64.tar.gz\n${sum}  ${name}.tar.gz\n`;
  return async (url, file) => {
    if (url === "https://releases/sha256sums.txt") await writeFile(file, list);
    else if (url === `https://releases/${name}.tar.gz`) await copyFile(archive, file);
    else throw new Error(`${url} answered 404`);
  };
}

async function install(download: Download, overrides: { platform?: string; arch?: string } = {}) {
  const software = {
    ...prometheusSoftware,
    release: { ...prometheusSoftware.release, base: "https://releases" },
  };
  return installRelease(software, {
    cacheDir: join(dir, "cache"),
    env: { PATH: "/usr/bin:/bin" },
    progress: () => undefined,
    platform: "linux",
    arch: "arm64",
    download,
    ...overrides,
  });
}

test("a release with the right checksum is unpacked into the cache and found there again", async () => {
  const home = join(dir, "cache", "prometheus-release");
  await expect(install(await release())).resolves.toEqual({
    prometheus: join(home, "prometheus"),
    promtool: join(home, "promtool"),
  });
  await expect(find({ allowInstall: false })).resolves.toMatchObject({
    version: releaseVersion,
    source: "cache",
  });
});

test("a release with another checksum is refused, and nothing of it stays", async () => {
  await expect(install(await release("1".repeat(64)))).rejects.toThrow(/checksum of .* is not the release's/);
  expect(await readdir(join(dir, "cache"))).toEqual([]);
});

test("a machine that has no release is told apart from a failure", async () => {
  await expect(install(unreachable, { platform: "win32" })).resolves.toBeNull();
  await expect(install(unreachable, { arch: "riscv64" })).resolves.toBeNull();
});

test("checksums are read from sha256sum's format", () => {
  const sum = "ab".repeat(32);
  expect(checksumOf(`${sum}  a.tar.gz\n${sum} *b.tar.gz\n`, "b.tar.gz")).toBe(sum);
  expect(checksumOf(`${sum}  a.tar.gz\n`, "b.tar.gz")).toBeNull();
  expect(checksumOf(`abc  a.tar.gz\n`, "a.tar.gz")).toBeNull();
});
