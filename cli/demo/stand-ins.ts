import { secretVariable } from "../../shared/domain/secret-name.ts";
import { startBackend } from "../stage/backends/server.ts";
import { startGateway } from "../stage/gateway/server.ts";
import { startLangfuse } from "../stage/langfuse/server.ts";

/** What the demo's transactions talk to beside Prometheus. */
export interface StandIns {
  readonly urls: { readonly langfuse: string; readonly gateway: string; readonly loki: string };
  /** What is broken there, in a sentence. */
  readonly story: string;
  /** The keys that config names, as the command line finds them. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

export const demoSecrets = { langfuse: "sonde/langfuse", gateway: "sonde/gateway", loki: "sonde/loki" };
export const demoModel = "Qwen/Qwen2.5-7B-Instruct";
export const lokiHeader = "X-Api-Key";

/** A Langfuse whose web container may not write to its bucket, a gateway that streams, and a Loki. */
export async function startStandIns(now: () => number): Promise<StandIns> {
  const keys = { publicKey: "pk-lf-stage", secretKey: "sk-lf-stage", project: { id: "p1", name: "agents" } };
  const gatewayKey = "sk-stage-gateway";
  const lokiKey = "stage-loki";
  const langfuse = await startLangfuse({ keys: [keys], now });
  langfuse.setFault("s3-refused");
  const gateway = await startGateway({ keys: [gatewayKey], models: [demoModel], now });
  const loki = await startBackend({ kind: "loki", now, header: [lokiHeader.toLowerCase(), lokiKey] });
  return {
    urls: { langfuse: langfuse.url, gateway: gateway.url, loki: loki.url },
    story:
      "Langfuse's web container has lost the permission to write to its S3 bucket; it is healthy, it says",
    env: {
      [secretVariable(demoSecrets.langfuse)]: `${keys.publicKey}:${keys.secretKey}`,
      [secretVariable(demoSecrets.gateway)]: gatewayKey,
      [secretVariable(demoSecrets.loki)]: lokiKey,
    },
    stop: async () => {
      await Promise.all([langfuse.stop(), gateway.stop(), loki.stop()]);
    },
  };
}
