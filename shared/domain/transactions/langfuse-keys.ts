import { ConfigError } from "../errors.ts";

export interface LangfuseKeys {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** A key pair as a secret holds it: `pk:sk`, or JSON with publicKey and secretKey. The error shows neither. */
export function parseLangfuseKeys(text: string, secret: string): LangfuseKeys {
  const [publicKey, secretKey] = text.trim().startsWith("{") ? fromJson(text) : text.trim().split(":");
  if (publicKey && secretKey) return { publicKey, secretKey };
  throw new ConfigError(
    `the secret "${secret}" holds no key pair: store pk-lf-…:sk-lf-…, or JSON with publicKey and secretKey`,
  );
}

function fromJson(text: string): readonly [string, string] {
  try {
    const { publicKey, secretKey } = Object(JSON.parse(text));
    return [String(publicKey ?? ""), String(secretKey ?? "")];
  } catch {
    return ["", ""];
  }
}
