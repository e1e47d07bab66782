import * as z from "zod/mini";
import type { HttpAnswer } from "./http.ts";

/** What an answer's body says about its failure: `text` is one line, shortened, fit for a message. */
export type ErrorBody =
  | { readonly form: "prometheus"; readonly errorType: string; readonly text: string }
  | { readonly form: "json" | "html" | "text"; readonly text: string };

const PrometheusBody = z.object({
  status: z.literal("error"),
  errorType: z._default(z.string(), ""),
  error: z._default(z.string(), ""),
});
const AwsBody = z.object({ message: z.optional(z.string()), Message: z.optional(z.string()) });

const longest = 300;

export function readErrorBody(answer: HttpAnswer): ErrorBody {
  const { body } = answer;
  if (isHtml(answer)) return { form: "html", text: htmlText(body) };
  const json = parseJson(body);
  if (json === undefined) return { form: "text", text: excerpt(body) };
  const prometheus = PrometheusBody.safeParse(json);
  if (prometheus.success) {
    return { form: "prometheus", errorType: prometheus.data.errorType, text: excerpt(prometheus.data.error) };
  }
  const aws = AwsBody.safeParse(json).data;
  const type = answer.headers["x-amzn-errortype"]?.split(":")[0];
  const said = [type, aws?.message ?? aws?.Message].filter((part) => part !== undefined && part !== "");
  return { form: "json", text: excerpt(said.length > 0 ? said.join(": ") : body) };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHtml({ headers, body }: HttpAnswer): boolean {
  return /text\/html/i.test(headers["content-type"] ?? "") || /^\s*<(!doctype html|html)/i.test(body);
}

/** The title, and the sentence by which a TLS port answers plain HTTP; the rest of a page says nothing. */
function htmlText(body: string): string {
  const title = /<title>([^<]*)/i.exec(body)?.[1] ?? "";
  const tls = /The plain HTTP request was sent to HTTPS port/i.exec(body)?.[0] ?? "";
  return excerpt(["HTML", title, tls].filter((part) => part.trim() !== "").join(" "));
}

/**
 * AWS repeats the whole canonical request after a signature mismatch, session token included: that part is
 * cut off. (Secrets that were sent are also redacted by the sender.)
 */
function excerpt(text: string): string {
  const own = text.slice(0, 4_000).split("The Canonical String", 1)[0] ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a server's control characters must not reach a terminal
  const line = own.replace(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
