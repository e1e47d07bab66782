import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";

import { ConfigError, Retryable } from "../domain/errors.ts";
import type { ReadSecret } from "../domain/secret.ts";

/** A secret that was changed is used after this time at the latest. */
const keepMs = 5 * 60_000;

/** Reads secrets from Secrets Manager, each once in five minutes. Needs secretsmanager:GetSecretValue on them. */
export function buildReadSecret(client: Pick<SecretsManagerClient, "send">, now: () => number): ReadSecret {
  const kept = new Map<string, { readonly value: Promise<string>; readonly at: number }>();
  return (name) => {
    const known = kept.get(name);
    if (known && now() - known.at < keepMs) return known.value;
    const value = read(client, name);
    kept.set(name, { value, at: now() });
    value.catch(() => kept.delete(name));
    return value;
  };
}

async function read(client: Pick<SecretsManagerClient, "send">, name: string): Promise<string> {
  let text: string | undefined;
  try {
    text = (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString;
  } catch (cause) {
    throw failure(name, cause);
  }
  if (text) return text;
  throw new ConfigError(`the secret "${name}" holds no text: store it with --secret-string`);
}

function failure(name: string, cause: unknown): Error {
  const code = cause instanceof Error ? cause.name : "";
  if (code === "ResourceNotFoundException")
    return new ConfigError(
      `there is no secret "${name}": aws secretsmanager create-secret --name ${name} --secret-string …`,
      { cause },
    );
  if (code === "AccessDeniedException")
    return new ConfigError(
      `the secret "${name}" may not be read: the role needs secretsmanager:GetSecretValue on it, and kms:Decrypt on its key`,
      { cause },
    );
  return new Retryable(`the secret "${name}" could not be read (${code || "unknown error"})`, { cause });
}
