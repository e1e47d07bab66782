import type { IncomingMessage } from "node:http";

/** A call of the Web API: arguments by name, values as they came (text from forms, anything from JSON). */
export interface ApiCall {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly token: string | null;
  readonly warnings: readonly string[];
}

const maxBody = 1 << 20;

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > maxBody) throw new Error("the request is too large");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * Takes a call apart as Slack does: form or JSON, token as Bearer header or, but for JSON, as an argument.
 * Answers an error code where it cannot.
 */
export function parseCall(request: IncomingMessage, body: string): ApiCall | { readonly error: string } {
  const url = new URL(request.url ?? "/", "http://localhost");
  const method = url.pathname.replace(/^\/api\//, "");
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? null;
  const query = Object.fromEntries(url.searchParams);
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (request.method === "GET" || body === "")
    return { method, args: query, token: bearer ?? tokenOf(query), warnings: [] };
  if (type === "") return { error: "missing_post_type" };
  if (type === "application/x-www-form-urlencoded") {
    const args = { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
    return { method, args, token: bearer ?? tokenOf(args), warnings: [] };
  }
  if (type !== "application/json") return { error: "invalid_post_type" };
  const data = parseJson(body);
  if (data === undefined) return { error: "invalid_json" };
  if (typeof data !== "object" || data === null || Array.isArray(data)) return { error: "json_not_object" };
  const warnings = /charset=/i.test(request.headers["content-type"] ?? "") ? [] : ["missing_charset"];
  return { method, args: { ...query, ...data }, token: bearer, warnings };
}

function tokenOf(args: Readonly<Record<string, unknown>>): string | null {
  return typeof args.token === "string" && args.token !== "" ? args.token : null;
}

/** Undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
