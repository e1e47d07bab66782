import { createHmac } from "node:crypto";

import { ConfigError } from "../domain/errors.ts";
import type { PostSigned } from "../domain/webhook.ts";
import type { HttpAnswer, SendHttp } from "./http.ts";
import { answerOf, isSafeUrl, passingFailure, saidIn, secretFields } from "./outlet-failure.ts";

export interface SignedWebhook {
  readonly url: string;
  readonly key: string;
}

const who = "the webhook";
const timeoutMs = 10_000;
/** A key that is shorter could be guessed. */
const minKey = 16;

/** The address and key in a secret's text, which is JSON. No error shows the text. */
export function readSignedWebhook(name: string, secret: string): SignedWebhook {
  const fault = () =>
    new ConfigError(
      `the secret "${name}" holds no webhook: store {"url": "https://…", "key": "…"} with a random key of ${minKey} characters or more`,
    );
  const { url, key } = secretFields(secret, fault);
  if (url === undefined || key === undefined || key.length < minKey || !isSafeUrl(url)) throw fault();
  return { url, key };
}

/** Posts with a signature over the time and the body, so that an old post cannot be sent anew by others. */
export function buildPostSigned({ url, key }: SignedWebhook, send: SendHttp, now: () => number): PostSigned {
  return async ({ id, body }) => {
    const headers = {
      "content-type": "application/json; charset=utf-8",
      "sonde-id": id,
      "sonde-signature": sign(key, Math.floor(now() / 1000), body),
    };
    const answer = await answerOf(who, send({ method: "POST", url, headers, body, timeoutMs }));
    if (answer.status < 200 || answer.status >= 300) throw failure(answer, [url, key], now());
  };
}

function sign(key: string, at: number, body: string): string {
  const mac = createHmac("sha256", key).update(`${at}.${body}`).digest("hex");
  return `t=${at},v1=${mac}`;
}

/** Answers that speak of what was posted, and not of the address. */
const aboutTheBody = new Set([400, 413, 422]);

function failure(answer: HttpAnswer, secrets: readonly string[], now: number): Error {
  const passing = passingFailure(who, answer, now, { secrets });
  if (passing) return passing;
  const { status } = answer;
  const said = `${who} answered HTTP ${status}: ${saidIn(answer, secrets)}`;
  if (aboutTheBody.has(status)) return new Error(said);
  if (status < 400)
    return new ConfigError(`${said}: Sonde follows no redirects, store the address that answers itself`);
  return new ConfigError(`${said}: check the address and the key in the secret, and the receiver's log`);
}
