import { ConfigError } from "../../shared/domain/errors.ts";

/** The bot token in a secret's text: the token itself, or JSON with a `token`. The error never shows the text. */
export function readToken(name: string, secret: string): string {
  const text = secret.trim();
  const token = text.startsWith("{") ? tokenField(text) : text;
  if (token !== undefined && /^xox[a-z.]*-\S+$/.test(token)) return token;
  throw new ConfigError(
    `the secret "${name}" holds no Slack token: store the bot token (xoxb-…), or {"token": "xoxb-…"}`,
  );
}

function tokenField(json: string): string | undefined {
  try {
    const data: unknown = JSON.parse(json);
    const field = typeof data === "object" && data !== null && "token" in data ? data.token : undefined;
    return typeof field === "string" ? field.trim() : undefined;
  } catch {
    return undefined;
  }
}
