const unitMs = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
} as const;

/** A Prometheus duration: `90s`, `5m`, `1h30m`, `1d`; units descend, each at most once. Also `0`. */
export const durationPattern =
  /^(?:0|(?=.)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?)$/;

/** Milliseconds of a Prometheus duration; throws a RangeError that names the text where it is none. */
export function parseDuration(text: string): number {
  const match = durationPattern.exec(text);
  if (!match) throw new RangeError(`"${text}" is not a duration such as 30s, 5m or 1h30m`);
  const [, y, w, d, h, m, s, ms] = match;
  const parts = [
    [y, unitMs.y],
    [w, unitMs.w],
    [d, unitMs.d],
    [h, unitMs.h],
    [m, unitMs.m],
    [s, unitMs.s],
    [ms, unitMs.ms],
  ] as const;
  return parts.reduce((sum, [count, unit]) => sum + Number(count ?? 0) * unit, 0);
}

/** The shortest exact Prometheus duration for a whole number of milliseconds: 90_000 is `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  let text = "";
  for (const [unit, size] of [
    ["d", unitMs.d],
    ["h", unitMs.h],
    ["m", unitMs.m],
    ["s", unitMs.s],
    ["ms", unitMs.ms],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || "0s";
}
