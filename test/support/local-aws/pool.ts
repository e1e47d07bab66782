import type { Environment } from "./functions.ts";

/** A function: its environments, warm ones first, a new one for each event that finds none idle. */
export interface Pool {
  readonly invoke: (event: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export function buildPool(open: () => Promise<Environment>): Pool {
  const all: Environment[] = [];
  const idle: Environment[] = [];
  return {
    invoke: async (event) => {
      const environment = idle.pop() ?? (await open());
      if (!all.includes(environment)) all.push(environment);
      try {
        return await environment.invoke(event);
      } finally {
        if (environment.alive()) idle.push(environment);
      }
    },
    stop: async () => {
      await Promise.all(all.map((environment) => environment.stop()));
    },
  };
}
