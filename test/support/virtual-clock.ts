/** A clock on which minutes take no time: sleepers wake in order as it is moved on. */
export interface VirtualClock {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Moves on, waking who is due on the way, until what they do comes to rest. */
  readonly pass: (ms: number) => Promise<void>;
}

export function buildVirtualClock(start: number): VirtualClock {
  let at = start;
  const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const rest = async () => {
    for (let turns = 0; turns < 100; turns++) await Promise.resolve();
  };
  return {
    now: () => at,
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ until: at + ms, wake });
      }),
    pass: async (ms) => {
      const end = at + ms;
      await rest();
      for (;;) {
        const next = sleepers.toSorted((a, b) => a.until - b.until)[0];
        if (!next || next.until > end) break;
        sleepers.splice(sleepers.indexOf(next), 1);
        at = Math.max(at, next.until);
        next.wake();
        await rest();
      }
      at = end;
    },
  };
}
