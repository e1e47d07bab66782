import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

import { buildSend } from "../../shared/adapters/http.ts";
import { listen } from "./loopback.ts";
import { buildWorkspace, type Channel, type StoredMessage, type Workspace } from "./slack-channels.ts";
import { clickPayload, type Installation, type Person, signRequest } from "./slack-click.ts";
import { isRefusal, readContent } from "./slack-content.ts";
import { type Answer, methods, showMessage } from "./slack-methods.ts";
import { type ApiCall, parseCall, parseJson, readBody } from "./slack-request.ts";
import { buildResponseUrls, type Told } from "./slack-responses.ts";

export type { StoredMessage } from "./slack-channels.ts";

export interface SlackStageOptions {
  readonly token: string;
  /** `#names` or ids of the channels that the app is in. The first one has the webhook. */
  readonly channels: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Channels that refuse: archived ones, and ones that the app was not invited to. */
  readonly archived?: readonly string[];
  readonly foreign?: readonly string[];
  readonly scopes?: readonly string[];
  /** Holds to Slack's rates: a message a second and channel, 50 calls a minute and other method. */
  readonly rateLimit?: boolean;
  readonly historyLagMs?: number;
  /** The app whose buttons are clicked; by default that of the stage, with a secret that is none. */
  readonly installation?: Installation;
}

/** A click on a message that the stage holds. */
export interface StageClick {
  readonly ts: string;
  readonly actionId: string;
  /** The value of a menu's option. */
  readonly option?: string;
  /** Without it, somebody of the app's own team. */
  readonly person?: Person;
  /** The app's interactivity request URL. */
  readonly url: string;
}

/** Something to go wrong with the next call of a method (or of the webhook, as `webhook`). */
export interface SlackFault {
  readonly method: string;
  readonly with:
    | { readonly status: number; readonly retryAfter?: number }
    | { readonly error: string }
    /** The connection breaks before Slack has done anything, or after it did. */
    | { readonly drop: "before" | "after" };
}

export interface SlackStage {
  /** For `slackApiUrl`: ends in `/api/`. */
  readonly url: string;
  readonly webhookUrl: string;
  /** What the workspace shows now, oldest first. */
  readonly messages: () => readonly StoredMessage[];
  /** The methods that were called, and what they were answered. */
  readonly calls: () => readonly { readonly method: string; readonly answered: string }[];
  readonly failNext: (fault: SlackFault, times?: number) => void;
  /** Deletes a message as a person would. */
  readonly deleteMessage: (ts: string) => void;
  /** Clicks as a person would, and answers the app's HTTP status. Slack shows a warning where it is not 200. */
  readonly click: (click: StageClick) => Promise<number>;
  /** What the app told those who clicked, by their response URLs. */
  readonly told: () => readonly Told[];
  readonly stop: () => Promise<void>;
}

const allScopes = [
  "chat:write",
  "channels:history",
  "groups:history",
  "channels:read",
  "groups:read",
] as const;
const webhookPath = "/services/T0STAGE/B0STAGE/stage";

/** The stage's own app. Its secret guards nothing. */
export const stageInstallation: Installation = {
  appId: "A0STAGE00",
  teamId: "T0STAGE00",
  signingSecret: "5ta9e5ta9e5ta9e5ta9e5ta9e5ta9e00",
};
/** Slack gives up on an app after this time. */
const clickTimeoutMs = 3_000;

/** A Slack on this machine that checks what it is sent as strictly as the real one, and keeps what it would show. */
export async function startSlack(options: SlackStageOptions): Promise<SlackStage> {
  const workspace = buildWorkspace(options);
  const installation = options.installation ?? stageInstallation;
  const responseUrls = buildResponseUrls(installation.teamId, options.now);
  const send = buildSend({ auth: { kind: "none" }, now: options.now });
  const faults: SlackFault[] = [];
  const calls: { method: string; answered: string }[] = [];
  const limits = options.rateLimit ? buildRateLimits(options.now) : () => 0;
  const takeFault = (method: string) => {
    const index = faults.findIndex((fault) => fault.method === method);
    return index < 0 ? undefined : faults.splice(index, 1)[0]?.with;
  };

  const exchange = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await readBody(request);
    if (request.url?.startsWith("/actions/")) {
      const { status, text } = responseUrls.take(request.url, body);
      return respond(response, status, text, { "content-type": "text/html" });
    }
    const webhook = request.url === webhookPath;
    const call = webhook ? webhookCall(body) : parseCall(request, body);
    const method = "error" in call ? "?" : call.method;
    const fault = takeFault(method);
    const log = (answered: string) => calls.push({ method, answered });
    if (fault && "drop" in fault && fault.drop === "before") {
      log("dropped");
      return void request.socket.destroy();
    }
    if (fault && "status" in fault) {
      log(String(fault.status));
      const headers = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
      return respond(response, fault.status, "upstream trouble", headers);
    }
    const answer =
      fault && "error" in fault ? { error: fault.error } : answerOf(call, options, workspace, limits);
    log(answer.error ?? "ok");
    if (fault && "drop" in fault) return void request.socket.destroy();
    if (webhook) return respondToWebhook(response, answer);
    respondToCall(response, answer, "error" in call ? [] : call.warnings);
  };

  const server = createServer((request, response) => {
    exchange(request, response).catch(() => response.destroy());
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/api/`,
    webhookUrl: `http://127.0.0.1:${port}${webhookPath}`,
    messages: workspace.all,
    calls: () => [...calls],
    failNext: (fault, times = 1) => faults.push(...Array.from({ length: times }, () => fault)),
    deleteMessage: (ts) => {
      const message = workspace.all().find((one) => one.ts === ts);
      if (message) workspace.remove(message);
    },
    click: async ({ ts, url, person, ...what }) => {
      const message = workspace.all().find((one) => one.ts === ts);
      if (!message) throw new Error(`the stage's Slack has no message ${ts}`);
      const clicker = person ?? { id: "U0STAGE01", name: "somebody", teamId: installation.teamId };
      const responseUrl = `http://127.0.0.1:${port}${responseUrls.create(clicker)}`;
      const click = { ...what, message, person: clicker, responseUrl, at: options.now() };
      const payload = clickPayload(click, installation, showMessage(message, false));
      const signed = signRequest(payload, installation.signingSecret, options.now());
      return (await send({ method: "POST", url, ...signed, timeoutMs: clickTimeoutMs })).status;
    },
    told: responseUrls.told,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Limits = (method: string, channel: string) => number;

function answerOf(
  call: ApiCall | { readonly error: string },
  options: SlackStageOptions,
  workspace: Workspace,
  limits: Limits,
): Answer {
  if ("error" in call) return { error: call.error };
  const channel = String(call.args.channel ?? "");
  if (call.method === "webhook") {
    const retryAfter = limits("chat.postMessage", workspace.channels[0]?.id ?? "");
    return retryAfter > 0 ? { error: "rate_limited", retryAfter } : postToWebhook(call.args, workspace);
  }
  if (call.token === null) return { error: "not_authed" };
  if (call.token !== options.token) return { error: "invalid_auth" };
  const method = methods[call.method];
  if (!method) return { error: "unknown_method", req_method: call.method };
  const scopes = options.scopes ?? allScopes;
  if (method.scopes.length > 0 && !method.scopes.some((scope) => scopes.includes(scope)))
    return { error: "missing_scope", needed: method.scopes[0], provided: scopes.join(",") };
  const id = workspace.channels.find(({ name }) => `#${name}` === channel)?.id ?? channel;
  const retryAfter = limits(call.method, id);
  if (retryAfter > 0) return { error: "ratelimited", retryAfter };
  return method.run(call.args, { workspace, now: options.now, historyLagMs: options.historyLagMs ?? 0 });
}

function webhookCall(body: string): ApiCall | { readonly error: string } {
  const data = parseJson(body);
  if (typeof data !== "object" || data === null) return { error: "invalid_payload" };
  return { method: "webhook", args: { ...data }, token: null, warnings: [] };
}

function postToWebhook(args: ApiCall["args"], workspace: Workspace): Answer {
  const channel: Channel | undefined = workspace.channels[0];
  if (!channel) return { error: "channel_not_found" };
  if (channel.archived) return { error: "channel_is_archived" };
  const content = readContent({ ...args, metadata: undefined }, "post");
  if (isRefusal(content)) return { error: content.error };
  const empty = { text: "", blocks: [], attachments: [], metadata: null };
  workspace.add(channel, { ...empty, ...content, threadTs: null, broadcast: false, via: "webhook" });
  return {};
}

/** Seconds to wait before a call is taken; 0 takes it. */
function buildRateLimits(now: () => number): Limits {
  const taken = new Map<string, number[]>();
  return (method, channel) => {
    const [count, windowMs] = method === "chat.postMessage" ? [1, 1_000] : [50, 60_000];
    const key = method === "chat.postMessage" ? `${method} ${channel}` : method;
    const recent = (taken.get(key) ?? []).filter((at) => now() - at < windowMs);
    const [oldest] = recent;
    if (recent.length >= count && oldest !== undefined) return Math.ceil((oldest + windowMs - now()) / 1000);
    taken.set(key, [...recent, now()]);
    return 0;
  };
}

function respondToCall(response: ServerResponse, answer: Answer, warnings: readonly string[]): void {
  const { retryAfter, ...shown } = answer;
  const warned =
    warnings.length === 0 ? {} : { warning: warnings.join(","), response_metadata: { warnings } };
  const body = JSON.stringify({ ok: answer.error === undefined, ...warned, ...shown });
  if (retryAfter === undefined) respond(response, 200, body, {});
  else respond(response, 429, body, { "retry-after": String(retryAfter) });
}

/** https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks */
const webhookStatus: Readonly<Record<string, number>> = {
  rate_limited: 429,
  channel_not_found: 404,
  channel_is_archived: 410,
  action_prohibited: 403,
};

function respondToWebhook(response: ServerResponse, { error, retryAfter }: Answer): void {
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  const status = error === undefined ? 200 : (webhookStatus[error] ?? 400);
  respond(response, status, error ?? "ok", { "content-type": "text/html", ...headers });
}

function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string>,
): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(body);
}
