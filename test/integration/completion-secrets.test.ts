import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";

import type { GatewayFault } from "../../cli/stage/gateway/faults.ts";
import type { Gateway } from "../../cli/stage/gateway/server.ts";
import { aGateway, gatewayKey, gatewayModel } from "../support/completion.ts";
import { letOut } from "../support/run-transactions.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await aGateway();
});
afterAll(() => gateway.stop());

/** One of each kind: before any answer, in its place, and in the midst of it. */
const faults: readonly (GatewayFault | null)[] = [
  null,
  "resets",
  "forbidden",
  "rate-limited",
  "server-error",
  "html",
  "refuses-parameter",
  "other-json",
  "error-first",
  "error-mid-stream",
  "reset-mid-stream",
  "silent-death",
];

const prompt = "Count from 1 to 8";

it.each(faults)("neither a gateway's key nor the prompt is let out by a completion (%s)", async (fault) => {
  gateway.setFault(fault);
  const everything = await letOut({
    config: {
      completion: [
        { name: "chat", url: gateway.url, model: gatewayModel, apiKey: "sonde/gw", timeout: "5s" },
      ],
    },
    readSecret: async () => gatewayKey,
    now: Date.now,
    sleep: async (ms) => {
      await pause(Math.min(ms, 50));
    },
  });
  expect(everything).toContain("completion-chat");
  for (const secret of [gatewayKey, btoa(gatewayKey), prompt]) expect(everything).not.toContain(secret);
});
