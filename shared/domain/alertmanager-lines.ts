import { ConfigError } from "./errors.ts";
import { unquote } from "./go-quote.ts";
import { parseGoTime, type ReceivedAlert, type ReceivedAlerts, toLabels } from "./received-alert.ts";

/** What our definition's messages begin with, and the version of what follows. */
export const messageFormat = { name: "sonde-alerts", version: 1 } as const;

/** A word as it stands, or a text that Go quoted. */
type Token = { readonly word: string } | { readonly text: string };

/**
 * The message of our own definition: a header, one line for each alert, firing ones first, and `end`. Whatever
 * was quoted holds no line break, so that a message that was cut is whole up to its last line. Null where the
 * message is another.
 */
export function parseLines(message: string): ReceivedAlerts | null {
  const [first = "", ...rest] = message.trimStart().split("\n");
  const [name, version, ...header] = readTokens(first) ?? [];
  if (wordOf(name) !== messageFormat.name) return null;
  if (wordOf(version) !== String(messageFormat.version))
    throw new ConfigError(
      `the message's format is "${wordOf(version)}" and this code knows ${messageFormat.version}: deploy the Sonde that rendered the Alertmanager definition, or render it anew`,
    );
  const end = rest.findIndex((line) => line.trimEnd() === "end");
  // Without the end, the last line may have lost its own.
  const lines = (end < 0 ? rest.slice(0, -1) : rest.slice(0, end)).filter((line) => line !== "");
  const alerts = lines.flatMap((line) => parseAlert(line) ?? []);
  const expected = Number(wordOf(following(header, "alerts")));
  return {
    target: textOf(following(header, "target")),
    truncated: end < 0 || alerts.length !== expected,
    alerts,
  };
}

function parseAlert(line: string): ReceivedAlert | null {
  const [status, startsAt, endsAt, source, labels, ...rest] = readTokens(line) ?? [];
  const state = wordOf(status);
  if ((state !== "firing" && state !== "resolved") || wordOf(labels) !== "labels") return null;
  const split = rest.findIndex((token) => wordOf(token) === "annotations");
  const pairs = split < 0 ? null : readPairs(rest.slice(0, split));
  const notes = readPairs(rest.slice(split + 1));
  if (!pairs || pairs.length === 0 || !notes) return null;
  return {
    status: state,
    labels: toLabels(pairs),
    annotations: toLabels(notes),
    startsAt: parseGoTime(textOf(startsAt) ?? ""),
    endsAt: state === "resolved" ? parseGoTime(textOf(endsAt) ?? "") : null,
    generatorUrl: (textOf(source) ?? "").toWellFormed(),
  };
}

/** Words and quoted texts with a space between; null where a line holds anything else. */
function readTokens(line: string): Token[] | null {
  const tokens: Token[] = [];
  const token = /(?:("[^"\\]*(?:\\.[^"\\]*)*")|([^\s"]+))(?: |$)/y;
  const length = line.trimEnd().length;
  while (token.lastIndex < length) {
    const [, quoted, word] = token.exec(line) ?? [];
    if (quoted === undefined && word === undefined) return null;
    try {
      tokens.push(quoted === undefined ? { word: word ?? "" } : { text: unquote(quoted) });
    } catch {
      return null;
    }
  }
  return tokens;
}

function readPairs(tokens: readonly Token[]): [string, string][] | null {
  const texts = tokens.map(textOf);
  const pairs: [string, string][] = [];
  for (let index = 0; index < texts.length; index += 2) {
    const [name, value] = texts.slice(index, index + 2);
    if (name == null || value == null) return null;
    pairs.push([name, value]);
  }
  return pairs;
}

/** What follows a word of the header. */
function following(tokens: readonly Token[], name: string): Token | undefined {
  const at = tokens.findIndex((token) => wordOf(token) === name);
  return at < 0 ? undefined : tokens[at + 1];
}

function wordOf(token: Token | undefined): string | null {
  return token && "word" in token ? token.word : null;
}

function textOf(token: Token | undefined): string | null {
  return token && "text" in token ? token.text : null;
}
