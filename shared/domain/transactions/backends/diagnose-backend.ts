import { formatDuration } from "../../duration.ts";
import type { Reach } from "../../reach.ts";
import { finder } from "../diagnosis.ts";
import { type Answered, type Exchange, errorText, isHtml } from "../exchange.ts";
import type { Finding } from "../finding.ts";
import { slowAbove } from "../lag-history.ts";
import type { RoundTripDiagnoses, SendDiagnoses } from "./backend.ts";
import type { BackendDiagnosis, ReadDiagnosis, SendDiagnosis } from "./backend-diagnoses.ts";
import type { BackendEvidence, FieldDifference } from "./backend-evidence.ts";
import { rejectedPart } from "./rejected-part.ts";

/** The evidence of a POST alone, in the words of a backend that tells nothing back. */
export function diagnoseSend(post: Exchange | null, diagnoses: SendDiagnoses): Finding[] {
  const found = finder(diagnoses);
  return post ? sendFindings(post).map(({ id, seen, ...more }) => ({ ...found(id, seen), ...more })) : [];
}

/** What one run's evidence says is wrong, in the backend's words; nothing where all is well. */
export function diagnoseBackend(evidence: BackendEvidence, diagnoses: RoundTripDiagnoses): Finding[] {
  const found = finder(diagnoses);
  return [
    ...(evidence.post ? sendFindings(evidence.post) : []),
    ...readFindings(evidence),
    ...(evidence.undeleted > 0 ? [{ id: "not-deleted" as const, seen: String(evidence.undeleted) }] : []),
  ].map(({ id, seen, ...more }) => ({ ...found(id, seen), ...more }));
}

interface Found<Id extends BackendDiagnosis> {
  readonly id: Id;
  readonly seen: string;
  readonly reach?: Reach;
}

/** A 2xx that is no page. Loki answers 204, and 260 where an operator has stopped ingestion. */
export function isAccepted(post: Exchange | null): post is Answered {
  return post?.kind === "answered" && post.status >= 200 && post.status <= 204 && !isHtml(post);
}

/** An answer of 3xx or more or a connection that never was: nothing was stored that could turn up later. */
export function wasNeverTaken(post: Exchange): boolean {
  if (post.kind === "failed")
    return post.fault !== "timeout" && post.fault !== "reset" && post.fault !== "bad-answer";
  return post.status >= 300 && post.status < 500;
}

const byFault = {
  refused: "refused",
  dns: "dns",
  unreachable: "unreachable",
  tls: "tls",
  reset: "reset",
  timeout: "timeout",
  credentials: "no-keys",
  "bad-answer": "unexpected-status",
} as const satisfies Readonly<Record<Extract<Exchange, { kind: "failed" }>["fault"], SendDiagnosis>>;

/** Whole seconds in the header, and half of the exchange: less than this is noise. */
const skewAbove = 5_000;

function sendFindings(post: Exchange): Found<SendDiagnosis>[] {
  if (post.kind === "failed") return [{ id: byFault[post.fault], seen: post.what, ...reachOf(post) }];
  if (!isAccepted(post)) return [{ id: byStatus(post), seen: seenOf(post) }];
  const rejected = rejectedPart(post);
  const ahead = post.aheadMs ?? 0;
  return [
    ...(rejected === null ? [] : [{ id: "partly-rejected" as const, seen: clip(rejected) }]),
    ...(Math.abs(ahead) > skewAbove
      ? [{ id: "clock-skew" as const, seen: `${seconds(Math.abs(ahead))} ${ahead > 0 ? "ahead" : "behind"}` }]
      : []),
  ];
}

function byStatus(answer: Answered): SendDiagnosis {
  const { status } = answer;
  if (status < 300) return isHtml(answer) ? "html-answer" : "unexpected-status";
  if (status < 400) return "redirected";
  switch (status) {
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
    case 405:
      return "wrong-path";
    case 413:
      return "too-large";
    case 429:
      return "rate-limited";
    case 502:
    case 503:
    case 504:
      return "no-backend";
    default:
      return status < 500 ? "bad-request" : "server-error";
  }
}

function readFindings({ readBack, lags, earlier }: BackendEvidence): Found<ReadDiagnosis>[] {
  const slow = slowAbove(lags);
  switch (readBack.kind) {
    case "none":
      return [];
    case "complete": {
      const { lagMs, differences } = readBack;
      return [
        ...(slow !== null && lagMs > slow
          ? [{ id: "slow" as const, seen: `${seconds(lagMs)}, usually under ${seconds(slow)}` }]
          : []),
        ...(differences.length > 0 ? [{ id: "altered" as const, seen: describe(differences) }] : []),
      ];
    }
    case "incomplete":
      return [
        { id: "incomplete", seen: `${readBack.missing.join(", ")} after ${seconds(readBack.waitedMs)}` },
      ];
    case "absent":
      return [absence(readBack.waitedMs, slow, earlier)];
    case "refused":
      return [refusal(readBack.exchange)];
  }
}

/** Nothing that is well takes so long. */
const longestWhenWell = 10 * 60_000;

/** Merely slow, or never? What was usual so far decides; without that, an earlier one that stayed away does. */
function absence(
  waitedMs: number,
  slow: number | null,
  earlier: BackendEvidence["earlier"],
): Found<ReadDiagnosis> {
  const waited = `not in ${seconds(waitedMs)}`;
  if (earlier && !earlier.seen && earlier.afterMs >= longestWhenWell)
    return { id: "never-visible", seen: `${waited}, an earlier one not in ${seconds(earlier.afterMs)}` };
  if (earlier?.seen)
    return { id: "slow", seen: `${waited}; the one before took up to ${seconds(earlier.afterMs)}` };
  if (slow !== null && waitedMs > slow)
    return { id: "never-visible", seen: `${waited}, usually under ${seconds(slow)}` };
  return { id: "not-yet-visible", seen: waited };
}

function refusal(exchange: Exchange): Found<ReadDiagnosis> {
  if (exchange.kind === "failed")
    return {
      id: exchange.fault === "timeout" ? "read-failed" : "read-unreachable",
      seen: exchange.what,
      ...reachOf(exchange),
    };
  const { status } = exchange;
  const seen = seenOf(exchange);
  if (status === 401 || status === 403) return { id: "read-unauthorized", seen };
  if (status === 429) return { id: "read-limited", seen };
  if (status >= 500) return { id: "read-failed", seen };
  const elsewhere = isHtml(exchange) || (status >= 300 && status < 400) || status === 404 || status === 405;
  return { id: elsewhere ? "read-wrong-path" : "read-refused", seen };
}

function reachOf({ reach }: Extract<Exchange, { kind: "failed" }>): { readonly reach?: Reach } {
  return reach ? { reach } : {};
}

const shown = 6;

function describe(differences: readonly FieldDifference[]): string {
  const names = differences.map(({ of, field, how }) => `${of}.${field} ${how}`);
  const more = names.length > shown ? ` and ${names.length - shown} more` : "";
  return `${names.slice(0, shown).join(", ")}${more}`;
}

function seenOf(answer: Answered): string {
  const { status, body, location } = answer;
  const said = errorText(answer) || (isHtml(answer) ? "HTML" : body.trim());
  return clip(`${status} ${said}${location ? ` to ${location}` : ""}`);
}

function clip(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : formatDuration(Math.round(ms / 1_000) * 1_000);
}
