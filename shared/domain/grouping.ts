import type { Labels } from "./series.ts";

/** What `object` stands for in `groupBy`: the first of these kinds that a series names, with its spellings. */
const objectKinds: readonly { readonly kind: string; readonly names: readonly string[] }[] = [
  { kind: "node", names: ["node", "Hostname", "hostname"] },
  {
    kind: "model",
    names: ["model_name", "litellm_model_name", "requested_model", "gen_ai_request_model", "model"],
  },
  { kind: "route", names: ["route", "envoy_cluster_name", "envoy_http_conn_manager_prefix"] },
  { kind: "pool", names: ["inference_pool", "name"] },
  { kind: "agent", names: ["agent_name", "tool_name"] },
  { kind: "tenant", names: ["tenant_id", "team_alias", "team", "customer_id", "team_id", "fairness_id"] },
  {
    kind: "workload",
    names: ["deployment", "horizontalpodautoscaler", "persistentvolumeclaim", "container"],
  },
  {
    kind: "other",
    names: [
      "gateway_name",
      "gateway",
      "provider",
      "callback_name",
      "app",
      "rule_group",
      "remote_name",
      "prometheus",
      "job",
    ],
  },
];

/** The same model in two namespaces has two owners; a node has none: there, they are its workload's. */
const companions = ["cluster", "namespace"];

/** What makes a group: label names, and in their place the words `probe`, `object` and `series`. */
export const defaultGroupBy: readonly string[] = ["probe", "object"];

/** The labels by which a series joins others in one incident. `own` are what its probe or rule adds to it. */
export function groupLabels(
  probe: string,
  labels: Labels,
  groupBy: readonly string[],
  own: Labels = {},
): Labels {
  return Object.fromEntries(
    groupBy.flatMap((name): [string, string][] => {
      if (name === "probe") return [["probe", probe]];
      if (name === "series") return Object.entries(labels);
      if (name === "object") return objectLabels(labels);
      const value = labels[name] || own[name];
      return value ? [[name, value]] : [];
    }),
  );
}

/** The group as one word: equal exactly when its labels are. */
export function groupKey(labels: Labels): string {
  return JSON.stringify(
    Object.entries(labels)
      .filter(([name]) => name !== "__proto__")
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function objectLabels(labels: Labels): [string, string][] {
  for (const { kind, names } of objectKinds) {
    const name = names.find((one) => labels[one]);
    if (name === undefined) continue;
    const beside = kind === "node" ? ["cluster"] : companions;
    return [name, ...beside].flatMap((one): [string, string][] => (labels[one] ? [[one, labels[one]]] : []));
  }
  return companions.flatMap((one): [string, string][] => (labels[one] ? [[one, labels[one]]] : []));
}

/**
 * The node that a series is about, by whichever label: the first part of a DNS name, since some exporters
 * report `ip-10-0-1-2` where others report the whole of it. An address stays whole.
 */
export function nodeOf(labels: Labels): string | undefined {
  const name = objectKinds[0]?.names.map((one) => labels[one]).find((value) => value);
  if (!name || /^[\d.:]+$/.test(name)) return name;
  return name.split(".")[0];
}
