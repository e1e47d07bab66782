/** An answer that is no stream. */
export interface ErrorAnswer {
  readonly status: number;
  readonly type: "application/json" | "text/html";
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface ErrorParts {
  readonly message: string;
  readonly type?: string;
  readonly param?: string | null;
  readonly code?: string | null;
}

/** The body of OpenAI's errors: `{"error": {"message", "type", "param", "code"}}`. */
export function errorBody({
  message,
  type = "invalid_request_error",
  param = null,
  code = null,
}: ErrorParts) {
  return { error: { message, type, param, code } };
}

export function apiError(
  status: number,
  parts: ErrorParts,
  headers: Readonly<Record<string, string>> = {},
): ErrorAnswer {
  return { status, type: "application/json", body: JSON.stringify(errorBody(parts)), headers };
}

/** What an ingress says by itself. */
export function page(
  status: number,
  title: string,
  headers: Readonly<Record<string, string>> = {},
): ErrorAnswer {
  const body = `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return { status, type: "text/html", body, headers };
}
