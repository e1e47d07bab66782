import { isRecord } from "./slack-checks.ts";
import type { Person } from "./slack-click.ts";
import { readContent } from "./slack-content.ts";
import { parseJson } from "./slack-request.ts";

/** What an app told somebody by the `response_url` of a click. */
export interface Told {
  readonly person: Person;
  readonly text: string;
  /** Only this person sees it. */
  readonly ephemeral: boolean;
}

export interface ResponseUrls {
  /** The path of a new `response_url`. */
  readonly create: (person: Person) => string;
  /** Slack's answer to a POST on one of them: `ok`, or what is wrong. */
  readonly take: (path: string, body: string) => { readonly status: number; readonly text: string };
  readonly told: () => readonly Told[];
}

/** Five times within half an hour (docs.slack.dev/interactivity/handling-user-interaction). */
const uses = 5;
const validMs = 30 * 60_000;

export function buildResponseUrls(teamId: string, now: () => number): ResponseUrls {
  const given = new Map<string, { readonly person: Person; readonly at: number; left: number }>();
  const told: Told[] = [];
  return {
    create: (person) => {
      const path = `/actions/${teamId}/${given.size + 1}/stage`;
      given.set(path, { person, at: now(), left: uses });
      return path;
    },
    take: (path, body) => {
      const found = given.get(path);
      if (!found) return { status: 404, text: "invalid_url" };
      if (now() - found.at > validMs) return { status: 404, text: "expired_url" };
      if (found.left === 0) return { status: 404, text: "used_url" };
      const data = parseJson(body);
      if (!isRecord(data)) return { status: 400, text: "invalid_payload" };
      const content = readContent(data, "post");
      if ("error" in content) return { status: 400, text: content.error };
      found.left -= 1;
      const ephemeral = data.response_type !== "in_channel";
      told.push({ person: found.person, text: content.text ?? "", ephemeral });
      return { status: 200, text: "ok" };
    },
    told: () => [...told],
  };
}
