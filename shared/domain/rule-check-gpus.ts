import type { SyntaxNode } from "@lezer/common";

import { findNodes, matchersIn, metricsIn, sidesOf } from "./promql-tree.ts";
import type { RuleCheck } from "./rule-check.ts";

/** An alarm at a full framebuffer: vLLM fills it by design when it starts. */
export const framebufferOfVllm: RuleCheck = ({ rule, tree, expr }) => {
  const metrics = metricsIn(tree, expr);
  const isShare =
    metrics.includes("DCGM_FI_DEV_FB_USED_PERCENT") ||
    (metrics.includes("DCGM_FI_DEV_FB_USED") &&
      metrics.some((name) => /^DCGM_FI_DEV_FB_(FREE|TOTAL)$/.test(name)));
  if (rule.kind !== "alert" || !isShare || !wantsHigh(tree) || leavesSomeOut(tree, expr)) return [];
  return [
    'vLLM reserves 90 % of a GPU\'s memory when it starts, so this fires on every GPU of vLLM: leave those out (exported_container!~".*vllm.*"), and ask vllm:kv_cache_usage_perc of them',
  ];
};

function wantsHigh(tree: SyntaxNode): boolean {
  return findNodes(tree, "BinaryExpr").some((node) => /^Gt[re]$/.test(sidesOf(node)?.op ?? ""));
}

function leavesSomeOut(tree: SyntaxNode, expr: string): boolean {
  return (
    findNodes(tree, "Unless").length > 0 ||
    matchersIn(tree, expr).some(({ label }) => /container|pod|namespace|Hostname|hostname|UUID/.test(label))
  );
}

/** A "throttling" that asks for heat alone: a hot GPU need not throttle, and one that throttles need not be hot. */
export const throttlingByHeat: RuleCheck = ({ rule, tree, expr }) => {
  if (rule.kind !== "alert") return [];
  const texts = [rule.name, ...Object.values(rule.annotations)];
  const metrics = metricsIn(tree, expr);
  const heatOnly = metrics.length > 0 && metrics.every((name) => name === "DCGM_FI_DEV_GPU_TEMP");
  if (!heatOnly || !texts.some((text) => /throttl/i.test(text))) return [];
  return [
    "this asks for heat, not for throttling: write rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9 > 0.05, which dcgm-exporter has once it is in its counters file, or call it hot",
  ];
};

/** The command that guides give for a GPU's memory, which reads its power and its energy. */
export const wrongDcgmFields: RuleCheck = ({ rule, tree, expr }) => {
  if (rule.kind !== "alert") return [];
  const texts = Object.values(rule.annotations);
  const fields = texts.flatMap((text) =>
    [...text.matchAll(/dcgmi\s+dmon\b[^\n]*?-e\s+["']?([\d,]+)/g)].flatMap(
      ([, list]) => list?.split(",") ?? [],
    ),
  );
  const aboutMemory =
    metricsIn(tree, expr).some((name) => name.includes("_FB_")) ||
    texts.some((text) => /memory|OOM/i.test(text));
  const wrong = fields.filter((field) => field === "155" || field === "156");
  if (wrong.length === 0 || !aboutMemory) return [];
  return [
    `dcgmi dmon -e ${wrong.join(",")} reads ${wrong.map((field) => (field === "155" ? "power" : "energy")).join(" and ")}: write -e 250,251,252, the framebuffer's fields`,
  ];
};
