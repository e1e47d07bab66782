import { Logger } from "@aws-lambda-powertools/logger";

/** One structured line. Data holds names, ids and counts; never events, environments, addresses or secrets. */
export type Log = (
  level: "info" | "warn" | "error",
  message: string,
  data: Readonly<Record<string, unknown>>,
) => void;

let logger: Logger | undefined;

/** Service name and level come from Powertools' own environment variables. */
export function theLogger(): Logger {
  logger ??= new Logger();
  return logger;
}

export const log: Log = (level, message, data) => theLogger()[level](message, { ...data });
