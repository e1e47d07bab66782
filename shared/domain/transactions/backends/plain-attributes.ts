import type { PlannedSpan } from "../planned-trace.ts";

/** By the conventions of OpenTelemetry alone: what Langfuse wants has no place elsewhere. */
export function plainAttributes({ attributes }: PlannedSpan, run: string): PlannedSpan["attributes"] {
  const own = Object.entries(attributes).filter(([name]) => !name.startsWith("langfuse."));
  const get = (name: string) => String(attributes[name] ?? "");
  return {
    ...Object.fromEntries(own),
    "session.id": get("langfuse.session.id"),
    "deployment.environment.name": get("langfuse.environment"),
    tenant_id: get("langfuse.trace.metadata.tenant_id"),
    sonde_code: get("langfuse.trace.metadata.sonde_code"),
    sonde_run: run,
  };
}

/** All attributes as they were sent. */
export function asSent({ attributes }: PlannedSpan): Readonly<Record<string, unknown>> {
  return attributes;
}
