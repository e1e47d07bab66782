import { expect, it } from "vitest";

import { buildTransaction } from "../../functions/run-transactions/build.ts";
import { compileConfig } from "../../shared/domain/compile.ts";
import { parseConfig } from "../../shared/domain/config.ts";
import type { Standing } from "../../shared/domain/transactions/explain-reach.ts";
import { transactionKinds } from "../../shared/domain/transactions/transaction.ts";
import { serveTcp } from "../support/loopback.ts";

/** Every kind of transaction, against one host. */
function transactionsOf(host: string) {
  const parsed = parseConfig({
    targets: [{ name: "seoul", prometheus: `http://${host}` }],
    langfuse: { url: `http://${host}` },
    traces: [{ kind: "otlp", endpoint: `http://${host}` }],
    logs: [{ kind: "loki", url: `http://${host}` }],
    completion: [{ name: "chat", url: `http://${host}/v1`, model: "m" }],
    writePath: {},
    alertPath: { targets: ["seoul"] },
  });
  if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
  return compileConfig(parsed.config, { packs: [], ruleFiles: [], certificates: {} }).compiled;
}

async function findingsOf(host: string, standing: Standing) {
  const config = transactionsOf(host);
  const runs = config.transactions.map(async (one) => {
    const transaction = buildTransaction(one, {
      config,
      standing,
      readSecret: async () => "pk-lf-1:sk-lf-1",
      now: () => Date.now(),
      sleep: async () => undefined,
      writeLine: () => undefined,
      nonce: () => "0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a",
      read: async () => null,
    });
    const context = { memory: null, remember: async () => undefined };
    const [finding] = (await transaction.run(Date.now(), context)).findings;
    return [transaction.kind, finding?.id, finding?.verdict] as const;
  });
  return Promise.all(runs);
}

/** Over 63 characters in a label: the resolver refuses it without asking anybody. */
const nowhere = `${"x".repeat(64)}.prod.internal`;

it.each([
  ["no-vpc", "private-name", "unknown"],
  ["vpc", "not-in-zone", "fail"],
  ["workstation", "not-in-network", "unknown"],
] as const)(
  "a private name that does not resolve, from %s, is %s to every transaction",
  async (standing, id, verdict) => {
    const found = await findingsOf(nowhere, standing);
    expect(new Set(found.map(([kind]) => kind))).toEqual(new Set(transactionKinds));
    for (const [kind, ...finding] of found) expect([kind, ...finding]).toEqual([kind, id, verdict]);
  },
);

it.each(["vpc", "no-vpc", "workstation"] as const)(
  "a service that is down fails as itself, from %s",
  async (standing) => {
    const closed = await serveTcp(() => undefined);
    await closed.stop();
    expect(await findingsOf(`127.0.0.1:${closed.port}`, standing)).toEqual([
      ["trace", "refused", "fail"],
      ["trace", "refused", "fail"],
      ["log", "refused", "fail"],
      ["completion", "refused", "fail"],
      ["write-path", "unreachable", "fail"],
      ["alert-path", "not-written", "fail"],
    ]);
  },
);
