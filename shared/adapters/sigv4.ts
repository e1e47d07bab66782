import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import type { CredentialProvider } from "./aws-credentials.ts";
import type { HttpRequest } from "./http.ts";
import type { Authorized } from "./http-auth.ts";

export interface SignOptions {
  readonly region: string;
  readonly service: string;
  readonly credentials: CredentialProvider;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Signs a request (AWS Signature Version 4, in headers). Rejects with what the credentials reject with. */
export function buildSign(options: SignOptions) {
  const signer = new SignatureV4({
    service: options.service,
    region: options.region,
    credentials: options.credentials,
    sha256: Sha256,
    applyChecksum: false,
  });
  return async (request: HttpRequest, url: URL): Promise<Authorized> => {
    const signed = await signer.sign(
      {
        method: request.method,
        protocol: url.protocol,
        hostname: url.hostname,
        path: url.pathname,
        query: queryBag(url),
        headers: { ...request.headers, host: url.host },
        body: request.body,
      },
      { signingDate: new Date(options.now()) },
    );
    return { headers: signed.headers, secrets: secretsOf(signed.headers) };
  };
}

function queryBag(url: URL): Record<string, string[]> {
  const names = new Set(url.searchParams.keys());
  return Object.fromEntries([...names].map((name) => [name, url.searchParams.getAll(name)]));
}

function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  const signature = headers.authorization?.split("Signature=")[1];
  return [headers["x-amz-security-token"], signature].filter((secret) => secret !== undefined);
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

class Sha256 {
  readonly #hash;
  constructor(key?: Bytes) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", viewOf(key));
  }
  update(data: Bytes): void {
    this.#hash.update(viewOf(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

function viewOf(data: Bytes): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
