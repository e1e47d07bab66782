/** The environment variable that holds a secret on the command line: `sonde/slack` is SONDE_SLACK. */
export function secretVariable(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
}
