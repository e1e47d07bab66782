/** Control characters, and those that turn the direction of what follows: nobody may write backwards here. */
const invisible = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

export function clean(text: string): string {
  return text.toWellFormed().replace(invisible, "");
}

/** Text from outside on one line. */
export function oneLine(text: string): string {
  return clean(text.replace(/\s+/g, " ")).trim();
}

/** Text that nobody reads markup in, at most `max` characters; what is cut ends in "…". */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text
    .slice(0, max - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}…`;
}
