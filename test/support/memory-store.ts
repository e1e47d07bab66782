import type { Store } from "../../shared/domain/store.ts";

/** The store port in memory, with the same conditional writes as S3's. */
export function buildMemoryStore(): Store & {
  readonly objects: Map<string, { body: string; etag: string }>;
} {
  const objects = new Map<string, { body: string; etag: string }>();
  let writes = 0;
  return {
    objects,
    read: async (key) => objects.get(key) ?? null,
    write: async (key, body, condition) => {
      const current = objects.get(key);
      const allowed = "ifMatch" in condition ? current?.etag === condition.ifMatch : current === undefined;
      if (!allowed) return "conflict";
      const etag = `"${++writes}"`;
      objects.set(key, { body, etag });
      return { etag };
    },
    list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
  };
}
