import { type ConfigError, Retryable, Unacknowledged } from "../domain/errors.ts";
import type { HttpAnswer } from "./http.ts";
import { HttpFault } from "./http-fault.ts";
import { parseRetryAfter } from "./retry.ts";

/** Awaits an answer of what `who` names; where none came, says whether the request can have arrived. */
export async function answerOf(who: string, sending: Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await sending;
  } catch (cause) {
    if (!(cause instanceof HttpFault)) throw new Unacknowledged(`${who} gave no whole answer`, { cause });
    const text = `${who}: ${cause.what}; ${cause.next}`;
    const neverSent = cause.kind === "unreachable" || cause.kind === "tls";
    throw neverSent ? new Retryable(text, { cause }) : new Unacknowledged(text, { cause });
  }
}

/** The error for an answer that asks for patience or blames the server itself; null for any other. */
export function passingFailure(
  who: string,
  answer: HttpAnswer,
  now: number,
  { patienceMs, secrets = [] }: { readonly patienceMs?: number; readonly secrets?: readonly string[] } = {},
): Error | null {
  const { status, headers } = answer;
  if (status === 429) {
    const afterMs = parseRetryAfter(headers["retry-after"], now) ?? patienceMs;
    return new Retryable(`${who} asks for patience`, afterMs === undefined ? {} : { afterMs });
  }
  if (status < 500 && status !== 408) return null;
  return new Unacknowledged(`${who} answered HTTP ${status}: ${saidIn(answer, secrets)}`);
}

/** What a refusal says, short, on one line, and without the secrets that were sent. */
export function saidIn({ status, body }: HttpAnswer, secrets: readonly string[] = []): string {
  const said = secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), body);
  const line = said.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line === "" ? `HTTP ${status}` : line.slice(0, 200);
}

/** An address that secrets may be sent to: https, or this machine. */
export function isSafeUrl(address: string): boolean {
  const url = URL.parse(address);
  if (url?.username !== "" || url.password !== "") return false;
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
}

/** The fields of a secret that is JSON; throws without its text. */
export function secretFields(text: string, otherwise: () => ConfigError): Readonly<Record<string, string>> {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== "object" || data === null) throw otherwise();
    return Object.fromEntries(
      Object.entries(data).flatMap(([name, value]) =>
        typeof value === "string" ? [[name, value.trim()]] : [],
      ),
    );
  } catch {
    throw otherwise();
  }
}
