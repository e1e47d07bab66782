import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";

import { type ReceiveDeps, receive, type SlackRequest } from "../../../../functions/answer-slack/receive.ts";
import { checkSigningSecret } from "../../../../functions/answer-slack/signature.ts";
import { parseAnswer } from "../../../../shared/domain/answer.ts";
import { ConfigError } from "../../../../shared/domain/errors.ts";
import { t0 } from "../../../support/incident.ts";
import { buildMemoryStore } from "../../../support/memory-store.ts";
import {
  access,
  acknowledge,
  aPayload,
  place,
  sign,
  signingSecret,
  silence,
} from "../../../support/slack-click.ts";

const minute = 60_000;

function setUp(change: Partial<ReceiveDeps> = {}) {
  const store = buildMemoryStore();
  const seen = { secrets: 0, started: [] as string[], logged: [] as string[] };
  let nonces = 0;
  const deps: ReceiveDeps = {
    access,
    readSigningSecret: async () => {
      seen.secrets += 1;
      return signingSecret;
    },
    create: async (key, body) =>
      (await store.write(key, body, { ifNoneMatch: "*" })) === "conflict" ? "exists" : "created",
    startApplying: async (key) => {
      seen.started.push(key);
    },
    now: () => t0,
    nonce: () => `n${++nonces}`,
    log: (level, message, data) => seen.logged.push(JSON.stringify([level, message, data])),
    ...change,
  };
  const send = (request: Partial<SlackRequest>) =>
    receive({ method: "POST", headers: {}, body: Buffer.from(""), ...request }, deps);
  return { store, seen, send };
}

describe("a click that Slack has signed", () => {
  it("is kept as what it asks for, and apply-answer is started on it", async () => {
    const { store, seen, send } = setUp();
    const request = sign(aPayload(silence), t0);
    expect(await send(request)).toBe(200);
    const id = createHash("sha256")
      .update(request.body)
      .update(String(t0 / 1000))
      .digest("hex");
    const key = `answers/2026-03-01/${id}.json`;
    expect(seen.started).toEqual([key]);
    expect(parseAnswer(key, store.objects.get(key)?.body ?? "")).toEqual({
      version: 1,
      id,
      writer: "n1",
      at: t0,
      by: { id: "U0ADA0001", name: "ada" },
      action: silence,
      place,
      responseUrl: "https://hooks.slack.com/actions/T012AB3CD/1/abc",
    });
  });

  it("counts once: the same request again, even fifty at a time, is answered and does nothing", async () => {
    const { store, seen, send } = setUp();
    const request = sign(aPayload(), t0);
    const statuses = await Promise.all(Array.from({ length: 50 }, () => send(request)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(store.objects.size).toBe(1);
    expect(seen.started).toHaveLength(1);
  });

  it("is another answer when it is clicked again later", async () => {
    const { store, send } = setUp();
    await send(sign(aPayload(), t0));
    await send(sign(aPayload(), t0 + 1000));
    expect(store.objects.size).toBe(2);
  });

  it("is kept under the day of Slack's clock, so that a replay after midnight finds it", async () => {
    const midnight = Date.UTC(2026, 2, 2);
    let now = midnight - 1000;
    const { store, seen, send } = setUp({ now: () => now });
    const request = sign(aPayload(), now);
    await send(request);
    now = midnight + 1000;
    expect(await send(request)).toBe(200);
    expect(store.objects.size).toBe(1);
    expect(seen.started).toHaveLength(1);
  });

  it("is safe once it is kept: Slack is content although apply-answer did not start", async () => {
    const { store, seen, send } = setUp({
      startApplying: async () => {
        throw new Error("Lambda is throttled");
      },
    });
    expect(await send(sign(aPayload(), t0))).toBe(200);
    expect(store.objects.size).toBe(1);
    expect(seen.logged.join()).toContain("its sweep finds the answer");
  });

  it("that could not be kept is an error, so that Slack shows a warning and it is clicked again", async () => {
    const { send } = setUp({
      create: async () => {
        throw new Error("S3 answers 503");
      },
    });
    await expect(send(sign(aPayload(), t0))).rejects.toThrow("S3 answers 503");
  });

  it("on a link is answered and not kept", async () => {
    const { store, send } = setUp();
    const link = { type: "button", action_id: "sonde-open-dashboard", action_ts: "1.0" };
    expect(await send(sign(aPayload(acknowledge, { actions: [link] }), t0))).toBe(200);
    expect(store.objects.size).toBe(0);
  });
});

describe("a signature", () => {
  /** By the words of Slack's guide: HMAC-SHA256 of "v0:" + timestamp + ":" + body, in hex, after "v0=". */
  it("is computed over the bytes that came, whatever they are", async () => {
    const timestamp = String(t0 / 1000);
    const body = Buffer.from([...Buffer.from("payload=%7B%7D&x="), 0xff, 0x00, 0xc3]);
    const digest = createHmac("sha256", signingSecret)
      .update(Buffer.concat([Buffer.from(`v0:${timestamp}:`), body]))
      .digest("hex");
    const { send } = setUp();
    const headers = {
      ...sign({}, t0).headers,
      "x-slack-request-timestamp": timestamp,
      "x-slack-signature": `v0=${digest}`,
    };
    // Signed, and no click: past the signature.
    expect(await send({ headers, body })).toBe(400);
    expect(await send({ headers, body: Buffer.concat([body, Buffer.from(" ")]) })).toBe(401);
  });

  it.each([
    [0, 200],
    [5 * minute, 200],
    [5 * minute + 1000, 401],
    [-5 * minute, 200],
    [-5 * minute - 1000, 401],
  ])("made %i ms ago is answered %i", async (age, status) => {
    const { send } = setUp();
    expect(await send(sign(aPayload(), t0 - age))).toBe(status);
  });

  const signed = sign(aPayload(), t0);
  const bad: readonly (readonly [string, Partial<SlackRequest>, number])[] = [
    ["by another secret", sign(aPayload(), t0, "x".repeat(32)), 1],
    ["of another body", { ...signed, body: Buffer.concat([signed.body, Buffer.from("&a=b")]) }, 1],
    [
      "of another time",
      { ...signed, headers: { ...signed.headers, "x-slack-request-timestamp": String(t0 / 1000 + 1) } },
      1,
    ],
    ["that is not there", { ...signed, headers: { "content-type": signed.headers["content-type"] } }, 0],
    ["of no length", { ...signed, headers: { ...signed.headers, "x-slack-signature": "v0=" } }, 0],
    [
      "in capitals",
      { ...signed, headers: { ...signed.headers, "x-slack-signature": `v0=${"A".repeat(64)}` } },
      0,
    ],
    [
      "with a time that is none",
      { ...signed, headers: { ...signed.headers, "x-slack-request-timestamp": "1e9" } },
      0,
    ],
    ["on a GET", { ...signed, method: "GET" }, 0],
    ["on JSON", { ...signed, headers: { ...signed.headers, "content-type": "application/json" } }, 0],
    ["on nothing", { ...signed, body: Buffer.from("") }, 0],
    ["on more than Slack sends", { ...signed, body: Buffer.alloc(256 * 1024 + 1, "a") }, 0],
  ];

  it.each(bad)(
    "%s is a bare 401 that keeps nothing and says nothing, and read %# secrets",
    async (_, request, secrets) => {
      const { store, seen, send } = setUp();
      expect(await send(request)).toBe(401);
      expect(store.objects.size).toBe(0);
      expect(seen).toEqual({ secrets, started: [], logged: [] });
    },
  );

  it("counts for nothing where config has no slack section", async () => {
    const { seen, send } = setUp({ access: null });
    expect(await send(signed)).toBe(401);
    expect(seen.secrets).toBe(0);
  });
});

describe("a request of Slack's that is refused", () => {
  const user = aPayload().user;
  const twice = [aPayload().actions[0], aPayload().actions[0]];

  it.each<[string, Record<string, unknown>, number]>([
    ["another app's", { api_app_id: "A0OTHER00" }, 403],
    ["from another team", { team: { id: "T0OTHER00" } }, 403],
    ["from a whole organisation's installation", { team: null, is_enterprise_install: true }, 400],
    ["by somebody of another team, in a shared channel", { user: { ...user, team_id: "T0OTHER00" } }, 403],
    [
      "by somebody of an organisation that config does not name",
      { user: { ...user, team_id: "E012AB3CD" } },
      403,
    ],
    ["by nobody", { user: undefined }, 400],
    ["of another kind", { type: "view_submission" }, 400],
    ["of an unknown action", { actions: [{ action_id: "sonde-reboot", value: "{}" }] }, 403],
    ["of two actions at once", { actions: twice }, 400],
    ["of no action", { actions: [] }, 400],
    ["from no message", { container: { type: "view", view_id: "V1" } }, 400],
  ])("%s, is kept nowhere and its body not logged", async (_, change, status) => {
    const { store, seen, send } = setUp();
    expect(await send(sign(aPayload(acknowledge, change), t0))).toBe(status);
    expect(store.objects.size).toBe(0);
    expect(seen.started).toEqual([]);
    expect(seen.logged).toHaveLength(1);
    expect(seen.logged.join()).not.toMatch(/ada|gpu-temperature|hooks\.slack/);
  });

  it("is one of the organisation's people where config names the organisation", async () => {
    const { send } = setUp({ access: { ...access, enterpriseId: "E012AB3CD" } });
    expect(await send(sign(aPayload(acknowledge, { user: { ...user, team_id: "E012AB3CD" } }), t0))).toBe(
      200,
    );
    expect(await send(sign(aPayload(acknowledge, { user: { ...user, team_id: "E0OTHER00" } }), t0))).toBe(
      403,
    );
  });
});

describe("the signing secret", () => {
  it("is taken without the newline that came with it", () => {
    expect(checkSigningSecret("sonde/slack-signing", `${signingSecret}\n`)).toBe(signingSecret);
  });

  it.each(["", " \n", "short", "xoxb-0000000000-000000000000-abcdefghij", "two words of twenty letters"])(
    "is not %j, which the error does not repeat",
    (text) => {
      const check = () => checkSigningSecret("sonde/slack-signing", text);
      expect(check).toThrow(ConfigError);
      expect(check).toThrow(/^the secret "sonde\/slack-signing" holds no signing secret: [^:]+$/);
    },
  );
});
