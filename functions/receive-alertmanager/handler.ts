import { wrapHandler } from "../../shared/lambda/middleware.ts";
import { type Deps, realDeps } from "./deps.ts";
import { snsEvent } from "./sns-event.ts";
import { takeIn } from "./take-in.ts";

/**
 * Takes in what SNS hands over. One bad record keeps none of the others back, but fails the invocation: Lambda
 * tries again, which changes nothing of what was recorded, and then gives the event to the dead letters.
 */
export function buildHandler(getDeps: () => Promise<Deps>) {
  return async (event: unknown): Promise<void> => {
    const deps = await getDeps();
    const { Records } = snsEvent.parse(event);
    const faults: Error[] = [];
    for (const record of Records) {
      try {
        await takeIn(record, deps);
      } catch (error) {
        faults.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    const [first, ...others] = faults;
    if (!first) return;
    if (others.length === 0) throw first;
    const all = faults.map(({ message }) => message).join("; ");
    throw new Error(`${faults.length} of ${Records.length} messages: ${all}`, { cause: first });
  };
}

export const handler = wrapHandler("receive-alertmanager", buildHandler(realDeps));
