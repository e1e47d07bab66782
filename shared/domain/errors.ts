/**
 * Worth another try, later: throttling, a network fault, a lost race. `afterMs` says how long to wait, where
 * the other side said so.
 */
export class Retryable extends Error {
  override readonly name = "Retryable";
  readonly afterMs: number | undefined;

  constructor(message: string, options: { afterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.afterMs = options.afterMs;
  }
}

/** No answer came, or one that leaves open whether what was sent has arrived. */
export class Unacknowledged extends Retryable {}

/** A person must change something: config, a permission, a secret. One line for each fault, with what to do. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
