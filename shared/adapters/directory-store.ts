import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Store, StoredObject, WriteCondition, WriteResult } from "../domain/store.ts";

/** A lock older than this belonged to a process that died. */
const staleLockMs = 10_000;
const lockTries = 200;

/**
 * The store port over a directory, for the command line and the local stage: the same conditional writes as
 * S3's, made atomic between processes by a lock file and a rename.
 */
export function buildDirectoryStore(directory: string, now: () => number): Store {
  const pathOf = (key: string) => join(directory, ...key.split("/"));
  const read = async (key: string): Promise<StoredObject | null> => {
    try {
      const body = await readFile(pathOf(key), "utf8");
      return { body, etag: etagOf(body) };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return null;
      throw error;
    }
  };
  const write = async (key: string, body: string, condition: WriteCondition): Promise<WriteResult> => {
    const path = pathOf(key);
    await mkdir(dirname(path), { recursive: true });
    return withLock(`${path}.lock`, now, async () => {
      const current = await read(key);
      const allowed = "ifMatch" in condition ? current?.etag === condition.ifMatch : current === null;
      if (!allowed) return "conflict";
      await writeFile(`${path}.new`, body);
      await rename(`${path}.new`, path);
      return { etag: etagOf(body) };
    });
  };
  const list = async (prefix: string): Promise<readonly string[]> => {
    const folder = pathOf(prefix.slice(0, prefix.lastIndexOf("/") + 1));
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    });
    return found
      .filter((entry) => entry.isFile() && !/\.(lock|new)$/.test(entry.name))
      .map((entry) => relative(directory, join(entry.parentPath, entry.name)).replaceAll(sep, "/"))
      .filter((key) => key.startsWith(prefix))
      .sort();
  };
  return { read, write, list };
}

function etagOf(body: string): string {
  return `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"`;
}

async function withLock<T>(lock: string, now: () => number, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      await (await open(lock, "wx")).close();
      break;
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      if (tries >= lockTries)
        throw new Error(`${lock} stays locked: if no other sonde runs, delete it`, { cause: error });
      const age = await stat(lock).then(
        ({ mtimeMs }) => now() - mtimeMs,
        () => 0,
      );
      if (age > staleLockMs) await rm(lock, { force: true });
      else await sleep(10 + (tries % 7) * 5);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
