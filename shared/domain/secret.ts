/** Reads a secret by the name that config gives it; throws an error that names it, never its value. */
export type ReadSecret = (name: string) => Promise<string>;
