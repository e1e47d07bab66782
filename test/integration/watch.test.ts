import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";

import { startGateway } from "../../cli/stage/gateway/server.ts";
import { runCli } from "../support/cli.ts";
import { buildFakeClient } from "../support/fake-prometheus.ts";
import { type PagerDutyStage, startPagerDuty } from "../support/pagerduty.ts";
import { startWebhookReceiver, type WebhookReceiver } from "../support/webhook-receiver.ts";

const routingKey = "R0123456789abcdefghijklmnopqrstu";
const webhookKey = "a key that nobody guesses";

let folder: string;
let pagerDuty: PagerDutyStage;
let receiver: WebhookReceiver;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sonde-watch-"));
  pagerDuty = await startPagerDuty(routingKey);
  receiver = await startWebhookReceiver(webhookKey, Date.now);
  const config = {
    targets: [{ name: "seoul", prometheus: "http://127.0.0.1:1" }],
    probes: [{ id: "hot", query: "gpu_temp", fail: "> 85" }],
    notify: [{ slack: "#ops", pagerduty: "sonde/pager", webhook: "sonde/hook" }],
  };
  await writeFile(join(folder, "sonde.yaml"), stringify(config));
});
afterEach(async () => {
  await Promise.all([pagerDuty.stop(), receiver.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** One round of `sonde watch` over a target with one GPU that is too hot. */
async function watchOnce(env: Readonly<Record<string, string>>) {
  const interrupt = new AbortController();
  return runCli(["watch"], {
    cwd: folder,
    env,
    clientFor: async () => buildFakeClient(() => [{ labels: { gpu: "5" }, v: 93 }]),
    nonce: () => crypto.randomUUID(),
    interrupted: interrupt.signal,
    sleep: async (ms) => {
      if (ms > 0) interrupt.abort();
    },
  });
}

describe("sonde watch", () => {
  test("tells everybody whom a route names, with secrets from the environment", async () => {
    const { out, err } = await watchOnce({
      SONDE_PAGER: JSON.stringify({ routingKey, url: pagerDuty.url }),
      SONDE_HOOK: JSON.stringify({ url: receiver.url, key: webhookKey }),
    });
    expect(out.join("\n")).toContain("#ops: 🔴 Critical · seoul · hot");
    expect(pagerDuty.alerts).toMatchObject([{ status: "triggered" }]);
    expect(receiver.taken).toMatchObject([{ incident: { target: "seoul", probe: "hot" } }]);
    expect(err.join("\n")).not.toMatch(/secret|fail/);
  });

  test("names the variable that a secret is missing in, and tells the others", async () => {
    const { out, err } = await watchOnce({});
    expect(out.join("\n")).toContain("#ops: 🔴 Critical · seoul · hot");
    expect(err.join("\n")).toContain(
      'the secret "sonde/pager" is not at hand: set the environment variable SONDE_PAGER',
    );
    expect(err.join("\n")).toContain("set the environment variable SONDE_HOOK");
  });

  test("runs transactions too, tells what fails, and leaves drills to what is deployed", async () => {
    const gateway = await startGateway({ keys: ["sk-lab"], models: ["tiny"], now: Date.now });
    try {
      const completion = (name: string, model: string) => ({
        name,
        url: gateway.url,
        model,
        apiKey: "sonde/gw",
      });
      await writeFile(
        join(folder, "sonde.yaml"),
        stringify({
          targets: [{ name: "seoul", prometheus: "http://127.0.0.1:1" }],
          completion: [completion("chat", "tiny"), completion("gone", "no-such-model")],
          alertPath: { targets: ["seoul"] },
          notify: [{ slack: "#ops" }],
        }),
      );
      const interrupt = new AbortController();
      const { out, err } = await runCli(["watch"], {
        cwd: folder,
        env: { SONDE_GW: "sk-lab" },
        clientFor: async () => buildFakeClient(() => []),
        nonce: () => crypto.randomUUID(),
        interrupted: interrupt.signal,
        // What is under way may end before everything is.
        sleep: async (ms) => {
          if (ms > 5_000) setTimeout(() => interrupt.abort(), 2_000);
          await pause(Math.min(ms, 100));
        },
      });
      expect(out.join("\n")).toMatch(/seoul\/completion-chat {2}ok/);
      expect(out.join("\n")).toMatch(/seoul\/completion-gone {2}fail/);
      expect(out.join("\n")).toMatch(
        /#ops: 🔴 Critical · seoul · .*no-such-model|#ops: 🔴 Critical · seoul · completion-gone/,
      );
      expect(err.join("\n")).toContain("drills of the alert path are left out here");
    } finally {
      await gateway.stop();
    }
  });
});
