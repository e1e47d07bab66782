/** One event of a stream; `event` is empty where the stream names none, which means `message`. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Takes a `text/event-stream` apart, however it is cut: bytes in, whole events out.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseReader {
  /** Drops a leading byte order mark, as the standard says. */
  readonly #decoder = new TextDecoder();
  #line = "";
  /** The last character was a CR, which ended its line; an LF after it ends nothing. */
  #afterCr = false;
  #event = "";
  #data: string[] = [];

  /** The events that these bytes complete. */
  push(bytes: Uint8Array): SseEvent[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** Whether the stream stops inside an event, which the standard throws away. */
  get unfinished(): boolean {
    return this.#line !== "" || this.#data.length > 0;
  }

  #take(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    let rest = text;
    if (this.#afterCr && rest !== "") {
      if (rest.startsWith("\n")) rest = rest.slice(1);
      this.#afterCr = false;
    }
    for (;;) {
      const end = /\r\n|\r|\n/.exec(rest);
      if (!end) break;
      const line = this.#line + rest.slice(0, end.index);
      this.#line = "";
      rest = rest.slice(end.index + end[0].length);
      // The LF may come with the next bytes.
      this.#afterCr = end[0] === "\r" && rest === "";
      const event = this.#endLine(line);
      if (event) events.push(event);
    }
    this.#line += rest;
    return events;
  }

  #endLine(line: string): SseEvent | null {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    // A comment, which keeps the connection from looking idle.
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    return null;
  }

  #dispatch(): SseEvent | null {
    const found = this.#data.length === 0 ? null : { event: this.#event, data: this.#data.join("\n") };
    this.#event = "";
    this.#data = [];
    return found;
  }
}
