import * as z from "zod/mini";

const nodeSchema = z.looseObject({
  refId: z.string(),
  datasourceUid: z.optional(z.string()),
  relativeTimeRange: z.optional(z.unknown()),
  model: z.looseObject({
    type: z.optional(z.string()),
    /** The node that an expression is about. */
    expression: z.optional(z.string()),
  }),
});
const ruleSchema = z.looseObject({
  title: z.string(),
  condition: z.string(),
  data: z.array(nodeSchema),
});
const fileSchema = z.looseObject({
  groups: z.array(z.looseObject({ name: z.string(), rules: z.array(ruleSchema) })),
});

type Node = z.infer<typeof nodeSchema>;
type GrafanaRule = z.infer<typeof ruleSchema>;

/** Alert rules as Grafana provisions them, which are no Prometheus rules; null for any other data. */
export function readGrafanaRules(data: unknown): readonly GrafanaGroup[] | null {
  const parsed = fileSchema.safeParse(data);
  const groups = parsed.success ? parsed.data.groups : [];
  return groups.some(({ rules }) => rules.length > 0) ? groups : null;
}
export type GrafanaGroup = z.infer<typeof fileSchema>["groups"][number];

/** What keeps Grafana itself from evaluating these rules as they are meant: one line each. */
export function grafanaFaults(groups: readonly GrafanaGroup[]): string[] {
  return groups.flatMap(({ name, rules }) =>
    rules.flatMap((rule) =>
      checks.flatMap((check) =>
        check(rule).map((fault) => `group "${name}", alert "${rule.title}": ${fault}`),
      ),
    ),
  );
}

const checks = [thresholdBeforeReduce, thresholdOfNothing, nodeWithoutDatasource, queryWithoutRange];

/** A threshold makes 0 and 1 of every point; what reduces them afterwards no longer sees the value. */
function thresholdBeforeReduce({ data }: GrafanaRule): string[] {
  return data.flatMap(({ refId, model }) => {
    const input = data.find((node) => node.refId === model.expression);
    if (model.type !== "reduce" || input?.model.type !== "threshold") return [];
    return [
      `${refId} reduces ${input.refId}, which is a threshold already: reduce the query first, and make the threshold on that the condition`,
    ];
  });
}

function thresholdOfNothing({ data }: GrafanaRule): string[] {
  return data.flatMap(({ refId, model }) =>
    model.type === "threshold" && !model.expression
      ? [`${refId} is a threshold of no node: write expression, with the refId of what it compares`]
      : [],
  );
}

function nodeWithoutDatasource({ data }: GrafanaRule): string[] {
  return data.flatMap(({ refId, datasourceUid }) =>
    datasourceUid
      ? []
      : [`${refId} names no datasource: write datasourceUid, __expr__ where it is an expression`],
  );
}

function queryWithoutRange({ data }: GrafanaRule): string[] {
  return data.flatMap((node) =>
    isQuery(node) && node.relativeTimeRange === undefined
      ? [`${node.refId} asks for no time: write relativeTimeRange: { from: 300, to: 0 }`]
      : [],
  );
}

function isQuery({ datasourceUid, model }: Node): boolean {
  return datasourceUid !== "__expr__" && model.expression === undefined && model.type === undefined;
}
