import type { TraceBackend } from "./backend.ts";
import { jaeger } from "./jaeger.ts";
import { langsmith } from "./langsmith.ts";
import { otlp } from "./otlp.ts";
import { tempo } from "./tempo.ts";

export const traceBackendKinds = ["langsmith", "tempo", "jaeger", "otlp"] as const;
export type TraceBackendKind = (typeof traceBackendKinds)[number];

/** Where traces may go beside Langfuse: one file each. */
export const traceBackends: Readonly<Record<TraceBackendKind, TraceBackend>> = {
  langsmith,
  tempo,
  jaeger,
  otlp,
};
