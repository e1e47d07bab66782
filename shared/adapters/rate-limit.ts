/**
 * Hands out starting slots so that no window of one second holds more than `perSecond` of them. Returns the
 * milliseconds until the caller's slot, in the order of the calls.
 */
export function buildLimiter(perSecond: number, now: () => number): () => number {
  const slots: number[] = [];
  return () => {
    const asked = now();
    const oldest = slots.length < perSecond ? undefined : slots.shift();
    const slot = oldest === undefined ? asked : Math.max(asked, oldest + 1000);
    slots.push(slot);
    return slot - asked;
  };
}
