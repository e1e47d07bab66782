import type { CredentialProvider } from "./aws-credentials.ts";
import type { HttpRequest } from "./http.ts";
import { HttpFault } from "./http-fault.ts";

/** How requests are authorised. `service` is AWS's signing name: `aps` for Managed Prometheus. */
export type Auth =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly user: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string }
  /** Whole headers, for what has ways of its own. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string>> }
  /** What a secret holds, read for each request, so that a change of it needs no restart. */
  | { readonly kind: "stored"; readonly read: () => Promise<Auth> }
  | {
      readonly kind: "sigv4";
      readonly region: string;
      readonly service: string;
      readonly credentials: CredentialProvider;
    };

/** The headers to send, and the strings among them that no message may show. */
export interface Authorized {
  readonly headers: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}
export type Authorize = (request: HttpRequest, url: URL) => Promise<Authorized>;

export function buildAuthorize(auth: Auth, now: () => number): Authorize {
  switch (auth.kind) {
    case "none":
      return async ({ headers }) => ({ headers, secrets: [] });
    case "basic": {
      const pair = Buffer.from(`${auth.user}:${auth.password}`).toString("base64");
      return withHeader(`Basic ${pair}`, [auth.password, pair]);
    }
    case "bearer": {
      // Secret stores and files often end in a newline, which no header may hold.
      const token = auth.token.trim();
      return withHeader(`Bearer ${token}`, [token]);
    }
    case "headers":
      return withHeaders(auth.headers);
    case "stored":
      return stored(auth.read, now);
    case "sigv4":
      return signed(auth, now);
  }
}

function withHeader(authorization: string, secrets: readonly string[]): Authorize {
  return async ({ headers }) => ({ headers: { ...headers, authorization }, secrets });
}

/** Without the scheme a value is a secret as well: error pages may repeat either. */
function withHeaders(own: Readonly<Record<string, string>>): Authorize {
  const trimmed = Object.entries(own).map(([name, value]) => [name, value.trim()] as const);
  const secrets = trimmed.flatMap(([, value]) => [value, value.replace(/^\w+ +/, "")]);
  return async ({ headers }) => ({ headers: { ...headers, ...Object.fromEntries(trimmed) }, secrets });
}

function stored(read: () => Promise<Auth>, now: () => number): Authorize {
  return async (request, url) => {
    const held = await read().catch((error: unknown) => {
      const next = "the target's auth names it";
      throw new HttpFault(url.origin, { kind: "credentials", what: firstLine(error), next }, error);
    });
    return buildAuthorize(held, now)(request, url);
  };
}

/** The signer loads with the first request: a run against plain Prometheus needs none of it. */
function signed(auth: Extract<Auth, { kind: "sigv4" }>, now: () => number): Authorize {
  const loaded = once(async () => {
    const { buildSign } = await import("./sigv4.ts");
    return buildSign({ ...auth, now });
  });
  return (request, url) => within(request.timeoutMs, url, async () => (await loaded())(request, url));
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    return loading;
  };
}

async function within<T>(timeoutMs: number, url: URL, work: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no credentials within ${timeoutMs / 1000} s`)), timeoutMs);
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw new HttpFault(
      url.origin,
      {
        kind: "credentials",
        what: `the request could not be signed: ${firstLine(error)}`,
        next: "check the AWS credentials: the function's role, or AWS_PROFILE and aws sso login",
      },
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n", 1)[0] ?? "").slice(0, 300);
}
