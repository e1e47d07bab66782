import { access, constants } from "node:fs/promises";
import { join } from "node:path";

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A program of that name on PATH. */
export async function onPath(
  program: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | null> {
  for (const dir of (env.PATH ?? "").split(":").filter(Boolean)) {
    const file = join(dir, program);
    if (await isExecutable(file)) return file;
  }
  return null;
}
