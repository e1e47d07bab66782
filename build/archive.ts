import { zipSync } from "fflate";

/** The same files make the same bytes, wherever and whenever: an unchanged function is not deployed anew. */
export function archive(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return zipSync(Object.fromEntries(sorted), {
    level: 9,
    // Zip's clock has no zone: the parts of a local date are what is written.
    mtime: new Date(1980, 0, 1),
    // Unix, readable for all: Lambda runs functions as another user.
    os: 3,
    attrs: 0o100644 << 16,
  });
}
