import { formatDuration } from "../../shared/domain/duration.ts";
import type { Finding } from "../../shared/domain/transactions/finding.ts";
import type {
  Transaction,
  TransactionContext,
  TransactionResult,
} from "../../shared/domain/transactions/transaction.ts";

/** A run and, where it broke by itself, the error: it is told as unknown, and thrown once all is remembered. */
export interface Run {
  readonly result: TransactionResult;
  readonly error?: Error;
}

/** Time that passes, and that nobody waits for once it is cancelled. */
export type After = (ms: number) => { readonly passed: Promise<void>; readonly cancel: () => void };

export const afterTime: After = (ms) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  return { passed: promise, cancel: () => clearTimeout(timer) };
};

/** Runs one transaction within its timeout. What it remembered half way is kept whatever becomes of it. */
export async function runOne(
  transaction: Transaction,
  now: number,
  context: TransactionContext,
  after: After,
): Promise<Run> {
  let memory = context.memory;
  let over = false;
  const remember = async (next: unknown) => {
    // Who was cut off may go on for a while: what it keeps then is another run's.
    if (over) return;
    memory = next;
    await context.remember(next);
  };
  const broken = (finding: Omit<Finding, "verdict">): TransactionResult => ({
    findings: [{ ...finding, verdict: "unknown" }],
    value: null,
    says: "",
    labels: {},
    request: transaction.probe.variants[0]?.query ?? "",
    measures: [],
    leftovers: [],
    memory,
  });
  const { passed, cancel } = after(transaction.timeout);
  try {
    const late = passed.then(() => null);
    const ended = await Promise.race([transaction.run(now, { memory, remember }), late]);
    return { result: ended ?? broken(cutOff(transaction)) };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    return { result: broken(ownFault(error)), error };
  } finally {
    over = true;
    cancel();
  }
}

function cutOff({ timeout }: Transaction): Omit<Finding, "verdict"> {
  return {
    id: "cut-off",
    cause: "the transaction took longer than it may and was cut off",
    fix: "look at what answers slowly there; what it left behind is cleared by the next run",
    seen: formatDuration(timeout),
  };
}

function ownFault({ message }: Error): Omit<Finding, "verdict"> {
  return {
    id: "own-fault",
    cause: "the transaction itself broke",
    fix: "the function's log has the error; if it stays, it is a fault of Sonde's",
    seen: message.slice(0, 200),
  };
}
