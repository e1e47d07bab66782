const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** strconv.Quote. */
export function quote(text: string): string {
  const quoted = [...text].map((char) => {
    const code = char.codePointAt(0) ?? 0;
    if (escapes[char] !== undefined) return escapes[char];
    if (char === " " || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) return char;
    const hex = code.toString(16);
    if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
    return code > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
  });
  return `"${quoted.join("")}"`;
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** strconv.Unquote, of which PromQL's strings are a form: "…", '…' or `…`. Throws where an escape is none. */
export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith("`")) return inner.replaceAll("\r", "");
  return inner.replace(
    /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))/g,
    (whole, octal?: string, byte?: string, short?: string, long?: string, letter?: string) => {
      if (octal) return String.fromCodePoint(Number.parseInt(octal, 8));
      const hex = byte ?? short ?? long;
      if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
      const plain = simpleEscapes[letter ?? ""];
      if (plain === undefined) throw new Error(`bad escape ${whole} in ${text}`);
      return plain;
    },
  );
}
