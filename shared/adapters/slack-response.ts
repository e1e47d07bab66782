import type { SendHttp } from "./http.ts";

/** Tells the person who clicked something that nobody else sees. */
export type TellPerson = (responseUrl: string, text: string) => Promise<void>;

export interface TellOptions {
  readonly send: SendHttp;
  /** The only place that is written to: the address comes with a request. */
  readonly origin?: string;
}

const timeoutMs = 5_000;

/** By the `response_url` of a click, which Slack takes five times within half an hour. Throws where it did not arrive. */
export function buildTellPerson({ send, origin = "https://hooks.slack.com" }: TellOptions): TellPerson {
  return async (responseUrl, text) => {
    if (URL.parse(responseUrl)?.origin !== origin)
      throw new Error(`the response_url of a click is not on ${origin}: nothing was sent there`);
    const { status } = await send({
      method: "POST",
      url: responseUrl,
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify({ response_type: "ephemeral", replace_original: false, text }),
      timeoutMs,
    });
    if (status !== 200) throw new Error(`Slack answered ${status} at the response_url of a click`);
  };
}
