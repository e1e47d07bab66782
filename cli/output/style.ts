import { styleText } from "node:util";

import type { Status } from "../../shared/domain/verdict.ts";

type Format = Parameters<typeof styleText>[0];

export interface Style {
  readonly color: boolean;
  readonly width: number;
}

/** Text in a terminal's colour, or as it is. */
export function paint(style: Style, format: Format, text: string): string {
  return style.color ? styleText(format, text, { validateStream: false }) : text;
}

const marks: Readonly<Record<Status, { readonly mark: string; readonly format: Format }>> = {
  ok: { mark: "✔ ok", format: "green" },
  warn: { mark: "▲ warn", format: "yellow" },
  fail: { mark: "✖ fail", format: ["bold", "red"] },
  unknown: { mark: "? unknown", format: "magenta" },
};

export function paintStatus(style: Style, status: Status): string {
  const { mark, format } = marks[status];
  return paint(style, format, mark.padEnd(9));
}

/** Text cut to a width, with an ellipsis; control characters are shown, never sent to the terminal. */
export function fit(text: string, width: number): string {
  const clean = [...text].map((char) => (/[\p{Cc}\p{Cf}]/u.test(char) ? "�" : char));
  return clean.length <= width ? clean.join("") : `${clean.slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** `fit`, filled up with spaces. */
export function column(text: string, width: number): string {
  const fitted = fit(text, width);
  return fitted + " ".repeat(Math.max(0, width - [...fitted].length));
}
