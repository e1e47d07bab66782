import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  parseRuleFile,
  type RuleFile,
  RuleFileError,
  renderRuleFile,
} from "../../../../shared/domain/rule-file.ts";

const hot = { alert: "GpuHot", expr: "DCGM_FI_DEV_GPU_TEMP > 85" };

function faultsOf(data: unknown): string[] {
  try {
    parseRuleFile(data);
    return [];
  } catch (error) {
    if (error instanceof RuleFileError) return error.message.split("\n");
    throw error;
  }
}

describe("a rule file", () => {
  it("is read with its durations, and the group's labels under the rule's own", () => {
    const file = parseRuleFile({
      groups: [
        {
          name: "gpu",
          interval: "30s",
          query_offset: "1m",
          limit: 10,
          labels: { team: "llm", severity: "info" },
          rules: [
            { record: "gpu:temp:max", expr: "max by (gpu) (DCGM_FI_DEV_GPU_TEMP)" },
            {
              ...hot,
              for: "5m",
              keep_firing_for: "10m",
              labels: { severity: 1 },
              annotations: { summary: "{{ $value }}" },
            },
          ],
        },
      ],
    });
    expect(file.groups[0]).toEqual({
      name: "gpu",
      interval: 30_000,
      queryOffset: 60_000,
      limit: 10,
      rules: [
        {
          kind: "record",
          name: "gpu:temp:max",
          expr: "max by (gpu) (DCGM_FI_DEV_GPU_TEMP)",
          labels: { team: "llm", severity: "info" },
        },
        {
          kind: "alert",
          name: "GpuHot",
          expr: "DCGM_FI_DEV_GPU_TEMP > 85",
          for: 300_000,
          keepFiringFor: 600_000,
          labels: { team: "llm", severity: "1" },
          annotations: { summary: "{{ $value }}" },
        },
      ],
    });
  });

  it("may stand in a Kubernetes PrometheusRule, whose faults name the path there", () => {
    const wrap = (groups: unknown) => ({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: {},
      spec: { groups },
    });
    expect(parseRuleFile(wrap([{ name: "a", rules: [hot] }])).groups).toHaveLength(1);
    expect(faultsOf(wrap([{ name: "a", rules: [{ alert: "x", expr: "up >" }] }]))).toEqual([
      "spec.groups[0].rules[0].expr: PromQL does not parse at character 5: the query ends too early",
    ]);
  });

  it.each([
    ["an unknown key", { group: [] }, 'group: unknown key; did you mean "groups"?'],
    [
      "an unknown key of a group",
      { groups: [{ name: "a", intervall: "1m" }] },
      'groups[0].intervall: unknown key; did you mean "interval"?',
    ],
    [
      "an unknown key of a rule",
      { groups: [{ name: "a", rules: [{ ...hot, annotation: {} }] }] },
      'groups[0].rules[0].annotation: unknown key; did you mean "annotations"?',
    ],
    ["groups that are no list", { groups: {} }, "groups: must be a list"],
    ["text for a file", "x", "must be a mapping"],
    ["a group without a name", { groups: [{ name: "" }] }, "groups[0].name: must not be empty"],
    [
      "two groups of one name",
      { groups: [{ name: "a" }, { name: "a" }] },
      'groups[1].name: two groups are called "a"',
    ],
    [
      "a rule of no kind",
      { groups: [{ name: "a", rules: [{ expr: "up" }] }] },
      'groups[0].rules[0]: needs "alert" or "record"',
    ],
    [
      "a rule of both kinds",
      { groups: [{ name: "a", rules: [{ ...hot, record: "x" }] }] },
      'groups[0].rules[0]: has both "alert" and "record"',
    ],
    [
      "a rule without a query",
      { groups: [{ name: "a", rules: [{ alert: "x" }] }] },
      "groups[0].rules[0].expr: is missing",
    ],
    [
      "an empty query",
      { groups: [{ name: "a", rules: [{ alert: "x", expr: "" }] }] },
      "groups[0].rules[0].expr: must not be empty",
    ],
    [
      "a duration that is none",
      { groups: [{ name: "a", rules: [{ ...hot, for: 5 }] }] },
      'groups[0].rules[0].for: "5" is not a duration such as 30s, 5m or 1h30m',
    ],
    [
      "a template that does not parse",
      { groups: [{ name: "a", rules: [{ ...hot, annotations: { summary: "{{ $nope }}" } }] }] },
      'groups[0].rules[0].annotations.summary: template: undefined variable "$nope"',
    ],
    [
      "a recording rule with for",
      { groups: [{ name: "a", rules: [{ record: "x", expr: "up", for: "1m" }] }] },
      "groups[0].rules[0].for: is for alerts, not for recording rules",
    ],
    [
      "labels that set the name",
      { groups: [{ name: "a", rules: [{ ...hot, labels: { __name__: "x" } }] }] },
      "groups[0].rules[0].labels: must not set __name__",
    ],
  ])("is refused for %s", (_, data, fault) => {
    expect(faultsOf(data)).toEqual([fault]);
  });

  it("reads back what is rendered", () => {
    const name = fc
      .stringMatching(/^[a-zA-Z_]\w{0,8}$/)
      .filter((text) => text !== "__name__" && text !== "__proto__");
    const span = fc.nat(10_000_000);
    const labels = fc.dictionary(
      name,
      fc.string().filter((text) => !text.includes("{{")),
    );
    const alert = fc.record({
      kind: fc.constant("alert" as const),
      name,
      expr: fc.constant("up > 0"),
      for: span,
      keepFiringFor: span,
      labels,
      annotations: labels,
    });
    const record = fc.record({
      kind: fc.constant("record" as const),
      name,
      expr: fc.constant("sum(up)"),
      labels,
    });
    const optional = fc.option(fc.integer({ min: 1, max: 10_000_000 }));
    const group = fc.record({
      name,
      interval: optional,
      queryOffset: optional,
      limit: fc.nat(),
      rules: fc.array(fc.oneof(alert, record)),
    });
    fc.assert(
      fc.property(fc.uniqueArray(group, { selector: (one) => one.name }), (groups) => {
        const file: RuleFile = { groups };
        expect(parseRuleFile(JSON.parse(JSON.stringify(renderRuleFile(file))))).toEqual(
          JSON.parse(JSON.stringify(file)),
        );
      }),
    );
  });
});
