/** How many questions each family of the catalogue has: vLLM, GPUs, gateways and so on down to the pipeline. */
const families: Readonly<Record<string, number>> = {
  V: 23,
  G: 21,
  W: 11,
  A: 3,
  E: 18,
  B: 7,
  L: 7,
  C: 8,
  U: 11,
  F: 4,
  K: 8,
  P: 14,
};

/** V-01 to P-14. */
export const catalogueNumbers: readonly string[] = Object.entries(families).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}-${String(index + 1).padStart(2, "0")}`),
);
