import { afterEach, expect, it } from "vitest";

import { buildTargetClient } from "../../shared/adapters/target-client.ts";
import type { Target } from "../../shared/domain/probe.ts";
import { type Loopback, serveHttp } from "../support/loopback.ts";

let server: Loopback | undefined;
afterEach(() => server?.stop());

it("every query of an AMP target carries its cost guard, look-ups too", async () => {
  const bodies: string[] = [];
  server = await serveHttp(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    bodies.push(Buffer.concat(chunks).toString());
    const resultType = request.url?.endsWith("query_range") ? "matrix" : "vector";
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: "success", data: { resultType, result: [] } }));
  });
  const target: Target = {
    name: "seoul",
    url: `http://127.0.0.1:${server.port}`,
    auth: { kind: "none" },
    amp: true,
    delay: 0,
    maxSamplesPerQuery: 25,
  };
  const client = await buildTargetClient(target, {
    readSecret: async () => "",
    now: Date.now,
    sleep: async () => undefined,
    random: Math.random,
  });
  await client.queryRange({ query: "up", start: 0, end: 60_000, step: 60_000 });
  await client.queryInstant({ query: "up", at: 0 });
  await client.queryInstant({ query: "up", at: 0, maxSamples: 7 });
  const guards = bodies.map((body) => new URLSearchParams(body).get("max_samples_processed_error_threshold"));
  expect(guards).toEqual(["25", "25", "7"]);
});
