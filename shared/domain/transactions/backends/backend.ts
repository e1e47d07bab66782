import type { Diagnosis } from "../diagnosis.ts";
import type { Answered } from "../exchange.ts";
import type { PlannedSpan } from "../planned-trace.ts";
import type { PollLimits } from "../poll-plan.ts";
import type { BackendDiagnosis, BackendWords, SendDiagnosis } from "./backend-diagnoses.ts";

/** What config says of one backend. Durations are milliseconds. */
export interface BackendSettings {
  readonly name: string;
  /** Where it is sent to, without a trailing slash. */
  readonly endpoint: string;
  /** Where it is read back, without a trailing slash. */
  readonly query: string;
  /** Header names, each with the secret that holds its value. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for reading; mostly the same headers. */
  readonly queryHeaders: Readonly<Record<string, string>>;
  /** Grafana's tenant, sent as X-Scope-OrgID; empty: none. */
  readonly orgId: string;
  readonly environment: string;
  readonly tenant: string;
  readonly patience: number;
  /** PEM of a private certificate authority. */
  readonly ca?: string;
}

export interface TraceBackendSettings extends BackendSettings {
  /** LangSmith's project; empty for the others. */
  readonly project: string;
  readonly encoding: "protobuf" | "json";
}

/** A request to a backend, without the headers of config. A body is JSON. */
export interface BackendRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A span as a backend tells of it. Times are Unix milliseconds. */
export interface FoundSpan {
  /** Ends in the span's own id, in hex. */
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface FoundTrace {
  /** By the backend's own name for it. */
  readonly id: string;
  readonly spans: readonly FoundSpan[];
}

/** What a backend's answer says: the trace, that there is none yet, or null: it is no answer to the question. */
export type TraceAnswer = FoundTrace | "nothing" | null;

/** What is known of a trace once it has been sent. */
export interface SentTrace {
  readonly traceId: string;
  /** Told with every span: finds the trace where the backend has its own ids. */
  readonly run: string;
  /** Unix milliseconds. */
  readonly sentAt: number;
}

/** How traces are read back. Requests and answers as data: what sends them stands elsewhere. */
export interface TraceReading {
  /** What must be known first, such as a project's id. */
  readonly locate?: {
    readonly request: (settings: TraceBackendSettings) => BackendRequest;
    /** Null: it is not there (yet). Undefined: this is no such answer. */
    readonly parse: (answer: Answered) => string | null | undefined;
  };
  readonly find: (settings: TraceBackendSettings, sent: SentTrace, place: string) => BackendRequest;
  readonly parse: (answer: Answered) => TraceAnswer;
  /** What the backend is to tell of a span beside its name, parent and times. */
  readonly expected: (span: PlannedSpan) => Readonly<Record<string, unknown>>;
  readonly remove?: (settings: TraceBackendSettings, found: FoundTrace, place: string) => BackendRequest;
}

export type SendDiagnoses = Readonly<Record<SendDiagnosis, Diagnosis>>;
export type RoundTripDiagnoses = Readonly<Record<BackendDiagnosis, Diagnosis>>;

/** A place that takes traces by OTLP. */
export type TraceBackend = {
  readonly words: BackendWords;
  /** The full address of OTLP's traces. */
  readonly postUrl: (settings: TraceBackendSettings) => string;
  /** Headers that are no secret. */
  readonly postHeaders: (settings: TraceBackendSettings) => Readonly<Record<string, string>>;
  /** The attributes that this backend is sent. */
  readonly attributes: (span: PlannedSpan, run: string) => PlannedSpan["attributes"];
  /** What becomes of a trace after the run. */
  readonly afterwards: string;
} & (
  | { readonly reading: null; readonly diagnoses: SendDiagnoses }
  | { readonly reading: TraceReading; readonly diagnoses: RoundTripDiagnoses; readonly polls: PollLimits }
);
