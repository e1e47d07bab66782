import { stageInstallation } from "../stage/slack.ts";

/** The demo's sonde.yaml for a stage's Prometheus. */
export function demoConfig(prometheusUrl: string): string {
  return `# The config of \`sonde demo\`. Thresholds of the pack can be changed here, probe by probe, under their ids.
targets:
  - name: stage
    prometheus: ${prometheusUrl}

packs:
  - name: llm-on-eks
    components: [vllm, dcgm, gateway-envoy, bifrost, kubernetes, pipeline]

probes:
  # One of your own: any PromQL, a threshold, and how long it must hold.
  - id: tenant-token-rate
    query: sum by (tenant_id) (rate(llm_tokens_total[5m]))
    unit: tokens/s
    warn: "> 100000"
    for: 5m
    summary: "{{ $labels.tenant_id }} uses {{ $value | humanize }} tokens a second"

notify:
  - match: { severity: critical }
    slack: "#llm-oncall"
    escalate: { after: 10m, mention: "<!here>" }   # nobody has acknowledged it by then
  - { slack: "#llm-ops" }

# Whose buttons count: the stage's own Slack app.
slack: { appId: ${stageInstallation.appId}, teamId: ${stageInstallation.teamId} }
`;
}
