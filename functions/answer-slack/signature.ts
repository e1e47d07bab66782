import { createHmac, timingSafeEqual } from "node:crypto";

import { ConfigError } from "../../shared/domain/errors.ts";

/** The signing secret in a secret's text. Nothing short passes: anybody could sign with an empty one. */
export function checkSigningSecret(name: string, text: string): string {
  const secret = text.trim();
  if (/^(?!xox)\w{20,}$/.test(secret)) return secret;
  throw new ConfigError(
    `the secret "${name}" holds no signing secret: store the one that Slack shows under Basic Information`,
  );
}

/** How far Slack's clock and this one may be apart, and how long a request may take. */
const windowMs = 5 * 60_000;

/** What Slack says about itself, in headers of the right form and not too old. */
export interface Claim {
  readonly timestamp: string;
  readonly signature: string;
}

/** The claim in a request's headers, by lower-case names; null where there is none that could hold now. */
export function readClaim(headers: Readonly<Record<string, string | undefined>>, now: number): Claim | null {
  const timestamp = headers["x-slack-request-timestamp"] ?? "";
  const signature = headers["x-slack-signature"] ?? "";
  if (!/^\d{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return null;
  return Math.abs(now - Number(timestamp) * 1000) <= windowMs ? { timestamp, signature } : null;
}

/** Whether the claim is Slack's: HMAC-SHA256 of `v0:timestamp:body` (docs.slack.dev, "Verifying requests from Slack"). */
export function isSigned(body: Buffer, { timestamp, signature }: Claim, secret: string): boolean {
  const own = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(body).digest();
  return timingSafeEqual(own, Buffer.from(signature.slice("v0=".length), "hex"));
}
