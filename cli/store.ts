import { resolve } from "node:path";

import { ConfigError } from "../shared/domain/errors.ts";
import type { Store } from "../shared/domain/store.ts";
import type { CliDeps } from "./deps.ts";

/** The state at a place: a folder, or the bucket of a deployment as `s3://bucket`. */
export async function openStore(place: string, deps: Pick<CliDeps, "cwd" | "now">): Promise<Store> {
  if (!place.startsWith("s3://")) {
    const { buildDirectoryStore } = await import("../shared/adapters/directory-store.ts");
    return buildDirectoryStore(resolve(deps.cwd, place), deps.now);
  }
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(place)?.[1];
  if (!bucket)
    throw new ConfigError(
      `--state: "${place}" is not a bucket: write s3://NAME, the StateBucketName that the deployment printed`,
    );
  const { openBucket } = await import("../shared/adapters/s3-store.ts");
  return openBucket(bucket);
}
