/** Severities, by the custom of the field, that are worth a warning only. */
const mild = new Set(["warning", "warn", "info", "none", "low", "ticket", "notice"]);

export function isMild(severity: string): boolean {
  return mild.has(severity.toLowerCase());
}
