import { createHash } from "node:crypto";

import { dayOf, formatAnswer } from "../../shared/domain/answer.ts";
import type { SlackAccess } from "../../shared/domain/slack-access.ts";
import { type CreateObject, storeKeys } from "../../shared/domain/store.ts";
import { readPayload } from "./payload.ts";
import { type Claim, isSigned, readClaim } from "./signature.ts";

export interface ReceiveDeps {
  /** Null where config has no `slack`: then nobody's clicks count. */
  readonly access: SlackAccess | null;
  readonly readSigningSecret: () => Promise<string>;
  readonly create: CreateObject;
  /** Starts apply-answer on what is kept under this key, without waiting for its end. */
  readonly startApplying: (key: string) => Promise<void>;
  readonly now: () => number;
  readonly nonce: () => string;
  readonly log: (
    level: "info" | "warn" | "error",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ) => void;
}

/** A request as it came: headers by lower-case names, and the bytes that Slack has signed. */
export interface SlackRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** A click brings the message it stands in: some 13,000 characters of blocks, escaped twice. */
const maxBytes = 256 * 1024;

/**
 * Keeps a signed click and sees to it that it is applied. Answers the HTTP status. Whoever cannot sign learns
 * nothing but 401, and costs neither a secret nor a write unless the request looks like one of Slack's.
 */
export async function receive(request: SlackRequest, deps: ReceiveDeps): Promise<number> {
  const { access } = deps;
  const claim = readClaim(request.headers, deps.now());
  if (!access || !claim || !looksRight(request)) return 401;
  if (!isSigned(request.body, claim, await deps.readSigningSecret())) return 401;
  const reading = readPayload(request.body.toString("utf8"), access);
  if (reading.kind === "nothing") return 200;
  if (reading.kind === "refused") {
    deps.log("warn", `a request of Slack's was refused: ${reading.why}`, { status: reading.status });
    return reading.status;
  }
  const id = idOf(request.body, claim);
  const at = Number(claim.timestamp) * 1000;
  const key = storeKeys.answer(dayOf(at), id);
  const answer = { version: 1 as const, id, writer: deps.nonce(), at, ...reading.answer };
  if ((await deps.create(key, formatAnswer(answer))) === "exists") return 200;
  const { action, by } = answer;
  deps.log("info", "answer kept", { answer: id, action: action.kind, incident: action.incident, by: by.id });
  try {
    await deps.startApplying(key);
  } catch (error) {
    deps.log("warn", "apply-answer could not be started: its sweep finds the answer within five minutes", {
      answer: id,
      error: error instanceof Error ? error.message : String(error),
    });
  }
  return 200;
}

function looksRight({ method, headers, body }: SlackRequest): boolean {
  const type = headers["content-type"] ?? "";
  return (
    method === "POST" &&
    type.startsWith("application/x-www-form-urlencoded") &&
    body.length > 0 &&
    body.length <= maxBytes
  );
}

function idOf(body: Buffer, { timestamp }: Claim): string {
  return createHash("sha256").update(body).update(timestamp).digest("hex");
}
