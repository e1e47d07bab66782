/** What is read of a list of objects before it ends, or can no longer be followed. */
export interface ReadObjects {
  readonly objects: readonly unknown[];
  /** The list's end was reached, and nothing was left out. */
  readonly whole: boolean;
}

/** Each one costs a search for the next beginning. */
const mostBroken = 100;
const deepest = 3;

/**
 * Reads the objects of a list in JSON that may have been cut, and whose texts may hold quotes, backslashes and
 * line breaks that nobody escaped: a quote ends a text only where what follows could follow a text. `at` is the
 * place after the list's bracket.
 */
export function readObjects(json: string, at: number): ReadObjects {
  const objects: unknown[] = [];
  let broken = 0;
  let next = at;
  while (broken < mostBroken) {
    next = skip(json, next, /[\s,]*/y);
    if (json[next] === "]") return { objects, whole: broken === 0 };
    const read = readObject(json, next, 0);
    if (read) {
      objects.push(read.value);
      next = read.end;
      continue;
    }
    broken += 1;
    const following = /\}\s*,\s*(?=\{\s*"status")/g;
    following.lastIndex = next;
    const found = following.exec(json);
    if (!found) break;
    next = following.lastIndex;
  }
  return { objects, whole: false };
}

interface Read<T> {
  readonly value: T;
  readonly end: number;
}

function readObject(json: string, start: number, depth: number): Read<unknown> | null {
  if (json[start] !== "{" || depth > deepest) return null;
  const entries: [string, unknown][] = [];
  let at = skip(json, start + 1, /\s*/y);
  if (json[at] === "}") return { value: {}, end: at + 1 };
  for (;;) {
    const name = /\s*"([^"\\\n]*)"\s*:\s*/y;
    name.lastIndex = at;
    const [, key] = name.exec(json) ?? [];
    if (key === undefined) return null;
    const value = readValue(json, name.lastIndex, depth);
    if (!value) return null;
    entries.push([key, value.value]);
    at = skip(json, value.end, /\s*/y);
    if (json[at] === "}") return { value: Object.fromEntries(entries), end: at + 1 };
    if (json[at] !== ",") return null;
    at += 1;
  }
}

function readValue(json: string, at: number, depth: number): Read<unknown> | null {
  if (json[at] === "{") return readObject(json, at, depth + 1);
  if (json[at] === '"') return readText(json, at);
  const scalar = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
  scalar.lastIndex = at;
  const [text] = scalar.exec(json) ?? [];
  return text === undefined ? null : { value: JSON.parse(text), end: scalar.lastIndex };
}

/** What may follow the quote that ends a text: another name, or the end of this object and of what it stands in. */
const afterText = /\s*(?:,\s*"[^"\\\n]{0,200}"\s*:|\}\s*(?:,\s*["{]|[\]}]))/y;
const escapes = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function readText(json: string, start: number): Read<string> | null {
  let value = "";
  let at = start + 1;
  while (at < json.length) {
    const char = json[at] ?? "";
    escapes.lastIndex = at;
    const [escaped] = escapes.exec(json) ?? [];
    if (escaped !== undefined) {
      value += JSON.parse(`"${escaped}"`);
      at += escaped.length;
      continue;
    }
    afterText.lastIndex = at + 1;
    if (char === '"' && afterText.test(json)) return { value, end: at + 1 };
    value += char;
    at += 1;
  }
  return null;
}

function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}
