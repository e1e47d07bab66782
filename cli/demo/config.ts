import { stageInstallation } from "../stage/slack.ts";
import { demoModel, demoSecrets, lokiHeader, type StandIns } from "./stand-ins.ts";

export interface DemoPlaces {
  readonly prometheus: string;
  readonly urls: StandIns["urls"];
  /** Whether drills come back: there is an Alertmanager. */
  readonly drills: boolean;
}

export const demoTarget = "stage";

/** The demo's sonde.yaml for a stage's Prometheus and what stands in for the rest of a platform. */
export function demoConfig({ prometheus, urls, drills }: DemoPlaces): string {
  return `# The config of \`sonde demo\`. Thresholds of the pack can be changed here, probe by probe, under their ids.
targets:
  - name: ${demoTarget}
    prometheus: ${prometheus}

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

# Synthetic transactions: do what a user's software does, and look whether the result is there.
langfuse: { url: "${urls.langfuse}", keys: ${demoSecrets.langfuse} }
completion:
  - name: chat
    url: ${urls.gateway}
    model: ${demoModel}
    apiKey: ${demoSecrets.gateway}
    ttft: { warn: 2s, fail: 10s }
logs:
  - { kind: loki, url: "${urls.loki}", headers: { ${lokiHeader}: ${demoSecrets.loki} } }
writePath: { targets: [${demoTarget}], lag: { warn: 30s, fail: 2m } }
${drills ? `alertPath: { targets: [${demoTarget}], latency: { warn: 1m, fail: 2m }, patience: 1m }\n` : ""}
notify:
  - match: { severity: critical }
    slack: "#llm-oncall"
    escalate: { after: 10m, mention: "<!here>" }   # nobody has acknowledged it by then
  - { slack: "#llm-ops" }

# Whose buttons count: the stage's own Slack app.
slack: { appId: ${stageInstallation.appId}, teamId: ${stageInstallation.teamId} }
`;
}
