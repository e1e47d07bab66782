import { paint, type Style } from "./style.ts";

type Look = "bold" | "code" | "strike" | "italic" | "link" | "ping";

/** A piece of a line with one look. */
export interface Span {
  readonly text: string;
  readonly look: readonly Look[];
}

const entities: Readonly<Record<string, string>> = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const formats: Readonly<Record<Look, Parameters<typeof paint>[1]>> = {
  bold: "bold",
  code: "cyan",
  strike: "strikethrough",
  italic: "italic",
  link: ["underline", "blue"],
  ping: ["bold", "yellow"],
};

const marks: readonly (readonly [RegExp, Look])[] = [
  [/(?<![\w*])\*(?! )([^*\n]+?)(?<! )\*(?![\w*])/, "bold"],
  [/(?<![\w~])~(?! )([^~\n]+?)(?<! )~(?![\w~])/, "strike"],
  [/(?<![\w_])_(?! )([^_\n]+?)(?<! )_(?![\w_])/, "italic"],
];

/** Slack's markup as spans: dates by the clock of `timeZone`, entities as what they stand for. */
export function parseMrkdwn(text: string, timeZone: string | undefined, look: readonly Look[] = []): Span[] {
  const code = /`([^`\n]+)`|<([^<>\n]+)>/.exec(text);
  if (code) {
    const before = parseMrkdwn(text.slice(0, code.index), timeZone, look);
    const after = parseMrkdwn(text.slice(code.index + code[0].length), timeZone, look);
    // Emphasis around a code or a link is found only where neither stands inside it.
    const around = marks
      .map(([pattern]) => pattern.exec(text))
      .some((found) => found !== null && spans(found, code.index));
    if (!around) {
      const inner =
        code[1] === undefined
          ? parseToken(code[2] ?? "", timeZone, look)
          : { text: readable(code[1]), look: [...look, "code" as const] };
      return [...before, inner, ...after];
    }
  }
  for (const [pattern, own] of marks) {
    const found = pattern.exec(text);
    if (!found) continue;
    return [
      ...parseMrkdwn(text.slice(0, found.index), timeZone, look),
      ...parseMrkdwn(found[1] ?? "", timeZone, [...look, own]),
      ...parseMrkdwn(text.slice(found.index + found[0].length), timeZone, look),
    ];
  }
  return text === "" ? [] : [{ text: readable(text), look }];
}

function spans(found: RegExpExecArray, index: number): boolean {
  return found.index < index && index < found.index + found[0].length;
}

/** What stands between < and >: a date, a mention, a channel or a link. */
function parseToken(token: string, timeZone: string | undefined, look: readonly Look[]): Span {
  const [target = "", label] = splitOnce(token, "|");
  const date = /^!date\^(\d+)\^/.exec(target)?.[1];
  if (date !== undefined) return { text: formatDate(Number(date) * 1000, timeZone), look };
  if (/^[!@]/.test(target))
    return { text: `@${(label ?? target).replace(/^[!@]+/, "")}`, look: [...look, "ping"] };
  if (target.startsWith("#")) return { text: `#${label ?? target.slice(1)}`, look: [...look, "link"] };
  return { text: readable(label ?? target), look: [...look, "link"] };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

export function formatDate(at: number, timeZone: string | undefined): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  return format.format(at);
}

/** Nothing that came over the network steers the terminal. */
function readable(text: string): string {
  return text
    .replace(/&(amp|lt|gt);/g, (entity) => entities[entity] ?? entity)
    .replace(/[\p{Cc}\p{Bidi_Control}]/gu, (char) => (char === "\n" ? char : "�"));
}

/** Spans as lines of at most `width` columns, broken between words where there are any. */
export function wrapSpans(spans: readonly Span[], width: number, style: Style): string[] {
  const lines: Span[][] = [[]];
  let used = 0;
  const newLine = () => {
    lines.push([]);
    used = 0;
  };
  for (const { text, look } of spans) {
    for (const piece of text.split(/(\n|[^\S\n]+)/)) {
      if (piece === "\n") newLine();
      else
        for (const part of breakUp(piece, width)) {
          const size = columns(part);
          if (used > 0 && used + size > width) newLine();
          const leading = used === 0 && lines.length > 1 && part.trim() === "";
          if (leading && !look.includes("code")) continue;
          lines.at(-1)?.push({ text: part, look });
          used += size;
        }
    }
  }
  return lines.map((line) =>
    joinEqual(line)
      .map((span) => paintSpan(span, style))
      .join(""),
  );
}

function joinEqual(line: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const { text, look } of line) {
    const last = joined.at(-1);
    if (last?.look.join() === look.join()) joined.splice(-1, 1, { text: last.text + text, look });
    else joined.push({ text, look });
  }
  return joined;
}

function paintSpan({ text, look }: Span, style: Style): string {
  return look.reduce((painted, one) => paint(style, formats[one], painted), text);
}

function breakUp(word: string, width: number): string[] {
  if (columns(word) <= width) return [word];
  const parts: string[] = [];
  let part = "";
  for (const char of word) {
    if (part !== "" && columns(part + char) > width) {
      parts.push(part);
      part = "";
    }
    part += char;
  }
  return [...parts, part];
}

const wide =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u;

/** Columns in a terminal: emoji and East Asian wide characters take two, marks and joiners none. */
export function columns(text: string): number {
  return [...text].reduce((sum, char) => sum + (/\p{M}|\p{Cf}/u.test(char) ? 0 : wide.test(char) ? 2 : 1), 0);
}
