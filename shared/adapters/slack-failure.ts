import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from "@slack/web-api";

import { ConfigError, Retryable, Unacknowledged } from "../domain/errors.ts";
import { codeOf } from "./http-fault.ts";

/** Slack answered, and the answer was no. */
export interface SlackRefusal {
  readonly code: string;
  /** What it found wrong with the content, where it says so. */
  readonly details: readonly string[];
}

/** The refusal in an error of the SDK; null where the error is no plain answer of Slack's. */
export function refusalOf(error: unknown): SlackRefusal | null {
  if (!(error instanceof WebAPIPlatformError)) return null;
  const { error: code, response_metadata: metadata } = error.data;
  // The SDK puts a body that is not JSON here, whole.
  if (!/^[a-z0-9_.]{1,80}$/i.test(code)) return null;
  return { code, details: metadata?.messages ?? [] };
}

/** The error to throw for a call that failed, one line that says what to do. `where` names method and channel. */
export function slackFailure(where: string, error: unknown): Error {
  const refusal = refusalOf(error);
  if (refusal) return refused(where, refusal);
  if (error instanceof WebAPIRateLimitedError)
    return new Retryable(`${where}: Slack asks for ${error.retryAfter} s of patience`, {
      afterMs: error.retryAfter * 1000,
      cause: error,
    });
  if (error instanceof WebAPIHTTPError) {
    const text = `${where}: HTTP ${error.statusCode} from Slack`;
    return error.statusCode < 500
      ? new Retryable(`${text}; if this goes on, look at the proxy between here and slack.com`, {
          cause: error,
        })
      : new Unacknowledged(text, { cause: error });
  }
  const cause = error instanceof WebAPIRequestError ? error.original : error;
  const code = transportCode(cause);
  if (neverSent.has(code))
    return new Retryable(
      `${where}: no connection to Slack (${code}); check this network's way to slack.com`,
      {
        cause,
      },
    );
  return new Unacknowledged(`${where}: no whole answer from Slack${code ? ` (${code})` : ""}`, { cause });
}

/** Faults before the first byte went out: nothing can have arrived. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function transportCode(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return codeOf(error.cause) || codeOf(error) || (error.name === "TimeoutError" ? "timeout" : "");
}

function refused(where: string, { code, details }: SlackRefusal): Error {
  const text = `${where}: ${[code, ...details].join("; ")}`;
  if (passing.has(code)) return new Retryable(text);
  if (unclear.has(code)) return new Unacknowledged(text);
  const what = advice[code];
  return what === undefined ? new Error(text) : new ConfigError(`${text}: ${what}`);
}

/** Codes that say that nothing was done, and that it may be later. */
const passing = new Set([
  "ratelimited",
  "rate_limited",
  "request_timeout",
  "team_added_to_org",
  "org_login_required",
  "external_channel_migrating",
]);

/** "It's possible some aspect of the operation succeeded", as Slack's reference has it. */
const unclear = new Set(["internal_error", "fatal_error", "service_unavailable", "update_failed"]);

const newToken = "install the app anew and store its bot token (xoxb-…) in the secret";
const askAdmin = "a workspace setting forbids it: ask a Slack administrator, or choose another channel";
const unarchive = "unarchive the channel, or name another one in notify";

const advice: Readonly<Record<string, string>> = {
  not_authed: newToken,
  invalid_auth: newToken,
  token_revoked: newToken,
  token_expired: newToken,
  account_inactive: newToken,
  not_allowed_token_type: newToken,
  missing_scope: "give the app the scopes of docs/slack-app-manifest.yml and install it anew",
  no_permission: "give the app the scopes of docs/slack-app-manifest.yml and install it anew",
  not_in_channel: "invite the app there: /invite @Sonde",
  channel_not_found:
    "check the name in notify; a private channel is only found once the app is invited: /invite @Sonde",
  is_archived: unarchive,
  is_inactive: unarchive,
  restricted_action: askAdmin,
  restricted_action_read_only_channel: askAdmin,
  restricted_action_thread_only_channel: askAdmin,
  ekm_access_denied: askAdmin,
  access_denied: askAdmin,
  accesslimited: askAdmin,
  team_access_not_granted: askAdmin,
  enterprise_is_restricted: askAdmin,
  messages_tab_disabled: askAdmin,
};
