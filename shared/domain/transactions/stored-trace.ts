/** What a trace backend says of a trace; null where it has no value. Times are Unix milliseconds. */
export interface StoredTraceFields {
  readonly name: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** Undefined where this read path does not tell. */
  readonly tags?: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface StoredObservation {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string | null;
  readonly type: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly environment: string | null;
  readonly level: string;
  readonly model: string | null;
  readonly input: unknown;
  readonly output: unknown;
  /** Tokens by Langfuse's names. */
  readonly usage: Readonly<Record<string, number>>;
  /** US dollars. */
  readonly totalCost: number | null;
  /** Seconds. */
  readonly latency: number | null;
  readonly timeToFirstToken: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** v4: what the span itself says of its trace. */
  readonly trace: StoredTraceFields | null;
}

export interface StoredTrace {
  readonly projectId: string;
  /** v3: the trace's own record. */
  readonly trace: StoredTraceFields | null;
  readonly observations: readonly StoredObservation[];
}
