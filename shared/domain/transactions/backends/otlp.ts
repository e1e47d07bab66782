import type { TraceBackend } from "./backend.ts";
import { sendDiagnoses } from "./backend-diagnoses.ts";
import { plainAttributes } from "./plain-attributes.ts";

const words = {
  title: "the OTLP endpoint",
  taker: "the OTLP receiver",
  address: "traces.endpoint (such as http://collector:4318)",
  thing: "trace",
} as const;

/** Any endpoint of OTLP/HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request): it takes, and tells nothing. */
export const otlp: TraceBackend = {
  words,
  postUrl: ({ endpoint }) => `${endpoint}/v1/traces`,
  postHeaders: () => ({}),
  attributes: plainAttributes,
  afterwards: "nothing was read back: kind otlp shows acceptance only, and what is behind it keeps the trace",
  reading: null,
  diagnoses: sendDiagnoses(words),
};
