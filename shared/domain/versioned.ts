import * as z from "zod/mini";

/** Written by newer code than this: refused, so that an old function never overwrites what it cannot read. */
export class StateTooNew extends Error {
  override readonly name = "StateTooNew";
}

/** Reads a stored object; throws StateTooNew, or an Error that says which object is broken and where. */
export function parseVersioned<T>(schema: z.ZodMiniType<T>, version: number, key: string, body: string): T {
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch (cause) {
    throw new Error(
      `${key} is not JSON; restore an earlier version of the object or delete it to start anew`,
      { cause },
    );
  }
  const found = z.object({ version: z.number() }).safeParse(data);
  if (found.success && found.data.version > version) {
    throw new StateTooNew(
      `${key} has schema version ${found.data.version}, this code knows ${version}: deploy the newer code`,
    );
  }
  const parsed = schema.safeParse(data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new Error(
      `${key} is not a state object at ${issue?.path.join(".") ?? "(root)"}: restore an earlier version of it`,
    );
  }
  return parsed.data;
}
