/** FNV-1a in 64 bits, in base 36: short and stable, for names that must not collide by accident. */
export function shortHash(text: string): string {
  return hashOf(text).toString(36);
}

/** The same as a number below 2^64. */
export function hashOf(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
