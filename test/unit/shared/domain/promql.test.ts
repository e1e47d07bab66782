import { describe, expect, it } from "vitest";

import type { Guard } from "../../../../shared/domain/probe.ts";
import { inspectQuery } from "../../../../shared/domain/promql.ts";

function guardOf(query: string): Guard {
  const inspected = inspectQuery(query);
  if ("fault" in inspected) throw new Error(inspected.fault.message);
  return inspected.facts.guard;
}

const sel = (selector: string): Guard => ({ kind: "selector", selector });

describe("the default guard of a query", () => {
  it.each<[string, Guard]>([
    ["up", sel("up")],
    ['rate(http_total{code=~"5.."}[5m] offset 1h)', sel('http_total{code=~"5.."}')],
    ["sum(rate(err[5m])) / sum(rate(total[5m]))", { kind: "all", of: [sel("err"), sel("total")] }],
    [
      "(sum(rate(err[5m])) or 0 * sum(rate(total[5m]))) / sum(rate(total[5m]))",
      { kind: "all", of: [{ kind: "any", of: [sel("err"), sel("total")] }, sel("total")] },
    ],
    ["a unless b", sel("a")],
    ["a / a offset 1d", sel("a")],
    ["absent(up)", { kind: "none" }],
    ["up == 0 or absent(up)", { kind: "none" }],
    ["a > 0 and absent_over_time(b[5m])", sel("a")],
    ["sum(a) or vector(0)", sel("a")],
    ["vector(1)", { kind: "none" }],
    ['time() - max(timestamp($metric{job="x"}))', sel('$metric{job="x"}')],
    ["a or b or c", { kind: "any", of: [sel("a"), sel("b"), sel("c")] }],
  ])("of %s", (query, guard) => {
    expect(guardOf(query)).toEqual(guard);
  });
});

describe("a query that does not parse", () => {
  it.each([
    ["sum(rate(x[5m])", 15],
    ["foo bar", 4],
    ["", 0],
    ["$alias{ +", 8],
  ])("%j is a fault near character %d", (query, at) => {
    const inspected = inspectQuery(query);
    expect("fault" in inspected && inspected.fault.at).toBe(at);
  });
});

it("lists the metrics that a query names, aliases as they are written", () => {
  const inspected = inspectQuery('sum by (le) (rate($ttft_bucket{a="b"}[5m])) / vllm:x + {__name__=~"y.*"}');
  expect("facts" in inspected && inspected.facts.metrics).toEqual(["$ttft_bucket", "vllm:x"]);
});
