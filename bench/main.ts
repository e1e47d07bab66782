/** `npm run bench -- NAME…`: figures for people, never a test. Ratios of one run on one machine. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  bundles: async () => (await import("./bundles.ts")).benchBundles(),
  cost: async () => (await import("./cost.ts")).benchCost(),
  detection: async () => (await import("./detection.ts")).benchDetection(),
  round: async () => (await import("./round.ts")).benchRound(),
  probes: async () => (await import("./probes.ts")).benchProbes(),
  slo: async () => (await import("./slo.ts")).benchSlo(),
  transactions: async () => (await import("./transactions.ts")).benchTransactions(),
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !benches[name]);
if (names.length === 0 || unknown.length > 0) {
  console.error(`npm run bench -- ${Object.keys(benches).join("|")}`);
  process.exitCode = 2;
} else {
  for (const name of names) await benches[name]?.();
}
