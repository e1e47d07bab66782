import { clean, oneLine } from "./text.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** Text from outside on one line, escaped, at most `max` characters after escaping; what is cut ends in "…". */
export function line(text: string, max: number): string {
  return cutEscaped(oneLine(text), max);
}

/** Text from outside whose line breaks stay; empty lines at most one in a row. */
export function prose(text: string, max: number): string {
  const lines = text
    .replace(/\r\n?/g, "\n")
    .split("\n")
    .map((one) => clean(one).trimEnd());
  return cutEscaped(
    lines
      .join("\n")
      .replace(/\n{3,}/g, "\n\n")
      .trim(),
    max,
  );
}

/** Text from outside as code; a backtick, which would end the code, becomes an apostrophe. Empty stays empty. */
export function code(text: string, max: number): string {
  const inner = line(text.replaceAll("`", "'"), max - 2);
  return inner === "" ? "" : `\`${inner}\``;
}

/** Text from outside, struck through. */
export function struck(text: string, max: number): string {
  const inner = line(text.replaceAll("~", "∼"), max - 2);
  return inner === "" ? "" : `~${inner}~`;
}

const maxUrl = 1500;

/**
 * An address that people may be sent to; null where it is not plain http(s), is too long, or shows a user before
 * the host (that is how a link is made to look like another).
 */
export function webAddress(address: string): string | null {
  const url = URL.parse(address.trim());
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return null;
  const href = url.href.replaceAll("|", "%7C").replaceAll("<", "%3C").replaceAll(">", "%3E");
  return href.length > maxUrl ? null : href;
}

/** A link, or null where the address is none that people may be sent to. */
export function link(address: string, label: string): string | null {
  const href = webAddress(address)?.replaceAll("&", "&amp;");
  return href === undefined || href.length > maxUrl ? null : `<${href}|${label}>`;
}

/** A time as each reader's own clock shows it; in UTC where it cannot be rendered. Unix milliseconds. */
export function date(at: number): string {
  const utc = new Date(at).toISOString();
  return `<!date^${Math.floor(at / 1000)}^{date_short_pretty} at {time}|${utc.slice(0, 10)} ${utc.slice(11, 16)} UTC>`;
}

function cutEscaped(text: string, max: number): string {
  const whole = text.replace(/[&<>]/g, (char) => entities[char] ?? char);
  if (whole.length <= max) return whole;
  let cut = "";
  for (const char of text) {
    const next = entities[char] ?? char;
    if (cut.length + next.length > max - 1) break;
    cut += next;
  }
  return max > 0 ? `${cut.trimEnd()}…` : "";
}
