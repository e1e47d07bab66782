import * as z from "zod/mini";

import { json, type StageResponse, text } from "./faults.ts";

export interface StageLine {
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nanos: string;
  readonly text: string;
}

const pushBody = z.strictObject({
  streams: z.array(
    z.strictObject({
      stream: z.record(z.string(), z.string()),
      values: z.array(
        z.tuple([
          z.string().check(z.regex(/^\d{19}$/)),
          z.string(),
          z.record(z.string().check(z.regex(/^[a-zA-Z_]\w*$/)), z.string()),
        ]),
      ),
    }),
  ),
});

/** A week, as `reject_old_samples_max_age` has it, and ten minutes ahead. */
const oldest = 7 * 24 * 3_600_000;
const newest = 10 * 60_000;

/** `POST /loki/api/v1/push` in JSON: the lines, or what Loki says against them. */
export function takeLines(body: unknown, now: number): readonly StageLine[] | StageResponse {
  const parsed = pushBody.safeParse(body);
  if (!parsed.success) return text(400, "loghttp.PushRequest: unexpected JSON");
  const lines = parsed.data.streams.flatMap(({ stream, values }) =>
    values.map(([nanos, line, metadata]) => ({ labels: stream, metadata, nanos, text: line })),
  );
  if (lines.some(({ labels }) => Object.keys(labels).length === 0))
    return text(400, "error at least one label pair is required per stream");
  const ages = lines.map(({ nanos }) => now - Number(nanos) / 1e6);
  if (ages.some((age) => age > oldest)) return text(400, "entry has timestamp too old");
  if (ages.some((age) => age < -newest)) return text(400, "entry has timestamp too new");
  return lines;
}

/** `GET /loki/api/v1/query_range` for a selector of equalities and one line filter. */
export function queryLines(lines: readonly StageLine[], query: URLSearchParams): StageResponse {
  const [, selector = "", needle = ""] = /^\{([^}]+)\} \|= "([^"]+)"$/.exec(query.get("query") ?? "") ?? [];
  if (selector === "") return text(400, "parse error at line 1, col 1: syntax error");
  const wanted = selector.split(/, ?/).map((pair) => /^(\w+)="([^"]*)"$/.exec(pair));
  const [start, end] = [query.get("start"), query.get("end")].map((nanos) => BigInt(nanos ?? "0"));
  const found = lines.filter(
    ({ labels, nanos, text: line }) =>
      wanted.every((pair) => pair !== null && labels[pair[1] ?? ""] === pair[2]) &&
      line.includes(needle) &&
      BigInt(nanos) >= (start ?? 0n) &&
      BigInt(nanos) < (end ?? 0n),
  );
  const result = found.map(({ labels, metadata, nanos, text: line }) => ({
    stream: { ...labels, ...metadata },
    values: [[nanos, line]],
  }));
  return json(200, { status: "success", data: { resultType: "streams", result, stats: {} } });
}
