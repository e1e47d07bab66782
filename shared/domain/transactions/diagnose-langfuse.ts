import { formatDuration } from "../duration.ts";
import type { Difference } from "./compare-trace.ts";
import { type Answered, type Exchange, errorText, isHtml, isJsonOk } from "./exchange.ts";
import type { Finding } from "./finding.ts";
import { slowAbove } from "./lag-history.ts";
import { found, type LangfuseDiagnosis } from "./langfuse-diagnoses.ts";
import type { LangfuseEvidence } from "./langfuse-evidence.ts";

/** What one run's evidence says is wrong; nothing where all is well. */
export function diagnoseLangfuse(evidence: LangfuseEvidence): readonly Finding[] {
  const accepted = isJsonOk(evidence.post);
  return [
    ...(evidence.heldForMs > 0 ? [found("key-held", `next try in ${seconds(evidence.heldForMs)}`)] : []),
    ...(evidence.post && !accepted ? [diagnosePost(evidence.post, evidence)] : []),
    ...(accepted ? diagnoseReadBack(evidence) : []),
    ...diagnoseKeys(evidence),
    ...diagnoseDeployment(evidence),
    ...(evidence.undeleted > 0 ? [found("not-deleted", plural(evidence.undeleted, "trace"))] : []),
  ];
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
} as const satisfies Readonly<Record<Extract<Exchange, { kind: "failed" }>["fault"], LangfuseDiagnosis>>;

function diagnosePost(post: Exchange, evidence: LangfuseEvidence): Finding {
  if (post.kind === "failed") {
    // Redis alone is needed for the one and not for the other.
    if (post.fault === "timeout" && isJsonOk(evidence.health))
      return found("web-redis", `no answer in ${seconds(post.tookMs)}, health 200`);
    return { ...found(byFault[post.fault], post.what), ...(post.reach ? { reach: post.reach } : {}) };
  }
  const said = errorText(post);
  const seen = `${post.status}${said ? ` ${clip(said)}` : isHtml(post) ? " HTML" : ""}`;
  return found(byStatus(post, said, evidence), post.location ? `${seen} to ${clip(post.location)}` : seen);
}

function byStatus(post: Answered, said: string, evidence: LangfuseEvidence): LangfuseDiagnosis {
  const { status } = post;
  if (status < 300) return "html-answer";
  if (status < 400) return onlySlash(evidence.url, post.location) ? "trailing-slash" : "redirected";
  switch (status) {
    case 400:
      return badRequest(said);
    case 401:
      return unauthorized(said);
    case 403:
      return /access denied/i.test(said) ? "bearer-refused" : "forbidden";
    case 404:
      return isJsonOk(evidence.health) ? "wrong-path" : "base-path";
    case 405:
      return "path-cut";
    case 413:
      return "too-large";
    case 429:
      return "ingestion-limited";
    case 502:
      return "bad-gateway";
    case 504:
      return "no-backend";
    case 503:
      if (isHtml(post) || !isJsonOk(evidence.health)) return "no-backend";
      return isJsonOk(evidence.database) ? "s3-unresolvable" : "postgres-down";
    default:
      if (status < 500) return "unexpected-status";
      return /upload JSON to S3/i.test(said) ? "s3-upload" : "server-error";
  }
}

function onlySlash(url: string, location: string): boolean {
  const own = `${url}/api/public/otel/v1/traces`;
  const to = URL.parse(location, own);
  return to !== null && to.href.replace(/\/+$/, "") === URL.parse(own)?.href;
}

function badRequest(said: string): LangfuseDiagnosis {
  const causes: readonly (readonly [RegExp, LangfuseDiagnosis])[] = [
    [/ingestion-version/i, "bad-version"],
    [/content type/i, "bad-content-type"],
    [/decompress/i, "bad-gzip"],
    [/protobuf/i, "bad-protobuf"],
    [/json/i, "bad-json"],
    [/trace export|invalid otel/i, "bad-export"],
  ];
  return causes.find(([pattern]) => pattern.test(said))?.[1] ?? "bad-request";
}

function unauthorized(said: string): LangfuseDiagnosis {
  if (/no authorization header/i.test(said)) return "no-authorization";
  if (/invalid authorization header/i.test(said)) return "bad-authorization";
  return /invalid public key/i.test(said) ? "invalid-public-key" : "unknown-key";
}

function diagnoseReadBack({ readBack, lags, earlier }: LangfuseEvidence): Finding[] {
  switch (readBack.kind) {
    case "none":
      return [];
    case "complete": {
      const limit = slowAbove(lags);
      const slow = limit !== null && readBack.lagMs > limit;
      return [
        ...(slow ? [found("slow", `${seconds(readBack.lagMs)}, usually under ${seconds(limit)}`)] : []),
        ...diagnoseDifferences(readBack.differences),
      ];
    }
    case "incomplete":
      return [found("spans-lost", `${readBack.missing.join(", ")} after ${seconds(readBack.waitedMs)}`)];
    case "absent":
      return [diagnoseAbsence(readBack.waitedMs, slowAbove(lags), earlier)];
    case "refused":
      return [diagnoseRefusal(readBack.exchange)];
  }
}

/** In mode `dual` a trace may take so long by design. */
const longestByDesign = 10 * 60_000;

/** Merely slow, or never? What was usual so far decides; without that, an earlier trace that stayed away does. */
function diagnoseAbsence(
  waitedMs: number,
  slow: number | null,
  earlier: LangfuseEvidence["earlier"],
): Finding {
  const waited = `not in ${seconds(waitedMs)}`;
  const away = earlier && !earlier.seen && earlier.afterMs >= longestByDesign;
  if (away) return found("never-visible", `${waited}, an earlier one not in ${seconds(earlier.afterMs)}`);
  if (earlier?.seen) return found("slow", `${waited}; the one before took up to ${seconds(earlier.afterMs)}`);
  if (slow !== null && waitedMs > slow)
    return found("never-visible", `${waited}, usually under ${seconds(slow)}`);
  return found("not-yet-visible", waited);
}

function diagnoseDifferences(differences: readonly Difference[]): Finding[] {
  const usage = differences.filter(({ field, how }) => field.startsWith("usage.") && how === "lost");
  const price = differences.filter(({ span, field }) => span === "priced" && field === "cost");
  const environment = differences.filter(({ field }) => field === "environment");
  const told = new Set([...usage, ...price, ...environment]);
  const rest = differences.filter((one) => !told.has(one));
  return [
    ...(rest.length > 0 ? [found("altered", describe(rest))] : []),
    ...(usage.length > 0 ? [found("usage-lost", describe(usage))] : []),
    // Without usage there is nothing to price.
    ...(price.length > 0 && usage.length === 0 ? [found("no-price")] : []),
    ...(environment.length > 0 ? [found("environment-lost")] : []),
  ];
}

const shown = 6;

function describe(differences: readonly Difference[]): string {
  const names = differences.map(({ span, field, how }) => `${span}.${field} ${how}`);
  const more = names.length > shown ? ` and ${names.length - shown} more` : "";
  return `${names.slice(0, shown).join(", ")}${more}`;
}

function diagnoseRefusal(exchange: Exchange): Finding {
  if (exchange.kind === "failed") return found("read-failed", exchange.what);
  const said = errorText(exchange);
  const seen = `${exchange.status}${said ? ` ${clip(said)}` : ""}`;
  if (exchange.status === 429) return found("read-limited", seen);
  if (exchange.status >= 500) return found("read-failed", seen);
  return found(isHtml(exchange) ? "read-html" : "read-refused", seen);
}

function diagnoseKeys({ post, publicKey, project, expectedProject, readBack }: LangfuseEvidence): Finding[] {
  if (!isJsonOk(post)) return [];
  const unknown =
    publicKey?.kind === "answered" &&
    publicKey.status === 401 &&
    /invalid public key/i.test(errorText(publicKey));
  const id = readBack.kind === "complete" ? readBack.projectId : (project?.id ?? "");
  const names = [id, project?.id === id || readBack.kind !== "complete" ? (project?.name ?? "") : ""];
  const elsewhere = expectedProject !== "" && id !== "" && !names.includes(expectedProject);
  return [
    ...(elsewhere ? [found("wrong-project", `it is in ${clip(names[1] || id)}`)] : []),
    ...(unknown ? [found("wrong-public-key")] : []),
  ];
}

/** Whole seconds in the header, and half of the exchange: less than this is noise. */
const skewAbove = 5_000;

function diagnoseDeployment({ publicUrl, health, providers, post }: LangfuseEvidence): Finding[] {
  const ahead = [health, post].flatMap((one) =>
    one?.kind === "answered" && one.aheadMs !== null ? [one.aheadMs] : [],
  )[0];
  const skewed = ahead !== undefined && Math.abs(ahead) > skewAbove;
  const other = isJsonOk(providers) ? otherAddress(publicUrl, providers.body) : null;
  return [
    ...(other ? [found("nextauth-url", `it names ${clip(other)}`)] : []),
    ...(skewed
      ? [found("clock-skew", `Langfuse is ${seconds(Math.abs(ahead))} ${ahead > 0 ? "ahead" : "behind"}`)]
      : []),
  ];
}

/** The address that logins are sent to, where that is not the one in config. */
function otherAddress(url: string, body: string): string | null {
  for (const link of signInLinks(body)) {
    const to = URL.parse(link);
    const base = to && `${to.origin}${to.pathname.replace(/\/api\/auth\/.*$/, "")}`.replace(/\/+$/, "");
    if (base !== url.replace(/\/+$/, "")) return base ?? link;
  }
  return null;
}

function signInLinks(body: string): string[] {
  try {
    const providers: unknown[] = Object.values(Object(JSON.parse(body)));
    return providers.flatMap((provider) => {
      const { signinUrl, callbackUrl } = Object(provider);
      return [signinUrl, callbackUrl].filter((link) => typeof link === "string");
    });
  } catch {
    return [];
  }
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)}ms` : formatDuration(Math.round(ms / 1_000) * 1_000);
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function clip(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
