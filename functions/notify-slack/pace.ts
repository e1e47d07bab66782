/** Slack takes one message a second and channel (docs.slack.dev/apis/web-api/rate-limits); a little slower is safe. */
const spacingMs = 1_100;

/** Waits until a channel's next message may go out. Knows this process's messages only; Slack's 429 does the rest. */
export function buildPace(
  now: () => number,
  sleep: (ms: number) => Promise<void>,
): (channel: string) => Promise<void> {
  const next = new Map<string, number>();
  return async (channel) => {
    const at = Math.max(now(), next.get(channel) ?? 0);
    next.set(channel, at + spacingMs);
    if (at > now()) await sleep(at - now());
  };
}
