import type { PrometheusError, PrometheusErrorKind } from "../prometheus.ts";
import type { Finding } from "./finding.ts";
import { writePathFound as found, type WritePathDiagnosis } from "./write-path-diagnoses.ts";

/** What a refused write means: by what the target says first, since 400 and 429 stand for several limits. */
export function diagnoseWrite(error: PrometheusError): Finding {
  return reached(found(writeDiagnosis(error), seenOf(error)), error);
}

/** What a failed read means of a sample that was taken. */
export function diagnoseRead(error: PrometheusError): Finding {
  return reached(found(error.kind === "forbidden" ? "read-denied" : "read-failed", seenOf(error)), error);
}

function reached(finding: Finding, { reach }: PrometheusError): Finding {
  return reach ? { ...finding, reach } : finding;
}

/** The first that matches; texts are those of Prometheus, Cortex and AMP. */
const bySaying: readonly (readonly [RegExp, WritePathDiagnosis])[] = [
  [/series limit|max[- _]series|active series/i, "series-limit"],
  [/ingestion rate limit|rate_limited/i, "ingestion-rate"],
  [/rate exceeded|throttl/i, "request-rate"],
  [/future/i, "in-future"],
  [/out of bounds|too[- ]old|too far in the past/i, "too-old"],
  [/out[- ]of[- ]order|duplicate sample|new[- ]value[- ]for[- ]timestamp/i, "out-of-order"],
  [/label (name|value)|labels per series|max[- ]label|number of labels|invalid label/i, "label-limit"],
  [/enable-remote-write-receiver|remote write receiver/i, "receiver-off"],
];

const byKind: Readonly<Record<PrometheusErrorKind, WritePathDiagnosis>> = {
  unreachable: "unreachable",
  tls: "unreachable",
  unauthorized: "unauthorized",
  forbidden: "write-denied",
  "wrong-path": "wrong-path",
  "bad-query": "write-refused",
  "too-expensive": "write-refused",
  "rate-limited": "rate-limited",
  timeout: "timeout",
  "server-error": "server-error",
  "not-json": "wrong-path",
  "too-large": "write-refused",
  "bad-answer": "wrong-path",
};

function writeDiagnosis(error: PrometheusError): WritePathDiagnosis {
  const { kind, message, status } = error;
  if (kind === "forbidden") return denied(message);
  const told = status !== undefined && status >= 400 && status < 500;
  return (told && bySaying.find(([pattern]) => pattern.test(saying(message)))?.[1]) || byKind[kind];
}

function denied(message: string): WritePathDiagnosis {
  if (/explicit deny/i.test(message)) return "write-denied-explicitly";
  return /signature|token|credential should be scoped|skew|not yet current|security token/i.test(
    saying(message),
  )
    ? "bad-signature"
    : "write-denied";
}

/** What stands in the message's parentheses: status and what the other side said. */
function saying(message: string): string {
  return /\((\d{3}: .*)\); /s.exec(message)?.[1] ?? "";
}

const longest = 200;

/** Account numbers and role names stay out of channels: they are told to who may read the target's own log. */
function seenOf({ message, status }: PrometheusError): string {
  const text = saying(message) || message.replace(/^\S+: /, "");
  const line = text.replace(/arn:[\w-]+:[^\s"]+/g, "[arn]").replace(/[\p{Cc}\s]+/gu, " ");
  return line.length > longest ? `${line.slice(0, longest)}…` : line || String(status ?? "");
}
