import type * as z from "zod/mini";

import { ConfigError } from "../domain/errors.ts";

/** The environment as it is: for the command line, which passes it on as a value. */
export function readProcessEnv(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

/** A function's environment by its own schema; throws a ConfigError that names the variable, never its value. */
export function parseEnv<T>(schema: z.ZodMiniType<T>, env = readProcessEnv()): T {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new ConfigError(
    `the function's environment is wrong at ${names}: deploy it by the template of this version`,
  );
}
