import type { Target } from "./probe.ts";

/** Where a target takes samples by remote write. */
export function remoteWriteUrl({ url, amp }: Pick<Target, "url" | "amp">): string {
  return `${url}/api/v1/${amp ? "remote_write" : "write"}`;
}
