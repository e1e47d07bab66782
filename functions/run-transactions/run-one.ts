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

/** Runs one transaction within its timeout. What it remembered half way is kept whatever becomes of it. */
export async function runOne(
  transaction: Transaction,
  now: number,
  context: TransactionContext,
): Promise<Run> {
  let memory = context.memory;
  const remember = async (next: unknown) => {
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
  const late = Symbol("late");
  const { promise, resolve } = Promise.withResolvers<typeof late>();
  const timer = setTimeout(() => resolve(late), transaction.timeout);
  try {
    const ended = await Promise.race([transaction.run(now, { memory, remember }), promise]);
    return { result: ended === late ? broken(cutOff(transaction)) : ended };
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    return { result: broken(ownFault(error)), error };
  } finally {
    clearTimeout(timer);
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
