import {
  type Answer,
  type LoadedRuleGroup,
  type PrometheusClient,
  PrometheusError,
} from "../domain/prometheus.ts";
import type { HttpAnswer, HttpRequest, SendHttp } from "./http.ts";
import {
  readInstant,
  readLabelSets,
  readMatrix,
  readMetadata,
  readRules,
  readSamplesProcessed,
  readStrings,
  readSuccess,
  type Success,
} from "./prometheus-answer.ts";
import { parseJson } from "./prometheus-error-body.ts";
import { type Asked, answerFailure, faultFailure } from "./prometheus-failure.ts";
import {
  ampRegion,
  baseUrl,
  type Call,
  encodeParams,
  instantCall,
  labelValuesCall,
  metadataCall,
  rangeCall,
  rulesCall,
  seriesCall,
} from "./prometheus-request.ts";
import { buildLimiter } from "./rate-limit.ts";
import { type Attempt, defaultRetryPolicy, type RetryPolicy, withRetries } from "./retry.ts";

export interface PrometheusOptions {
  /** What stands before /api/v1; forms that include it are accepted. */
  readonly url: string;
  readonly send: SendHttp;
  /** Amazon Managed Prometheus: its limits are kept and its cost guard is sent. */
  readonly amp: boolean;
  /** Milliseconds for one request; 65 s for AMP, which ends queries after 60 itself, else 30 s. */
  readonly timeoutMs?: number;
  /** Largest answer that is read; 32 MiB unless told. */
  readonly maxBytes?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** Ask for query statistics, to know how many samples each query read. */
  readonly stats?: boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unix milliseconds by which everything must be over. */
  readonly deadline?: () => number;
}

const ampLabelCallsPerSecond = 10;
const ampLongestSpanMs = 95 * 24 * 3_600_000;
const mostRulePages = 100;

/** Throws when the address is not one; the client's functions reject with PrometheusError. */
export function buildPrometheusClient(options: PrometheusOptions): PrometheusClient {
  const ask = buildAsk(options);
  const flags = { amp: options.amp, stats: options.stats ?? false };
  return {
    queryRange: async (query) => {
      const { success, asked } = await ask(rangeCall(query, flags));
      const { series, histograms } = reading(asked, () => readMatrix(success.data));
      return answered(series, success, histograms);
    },
    queryInstant: async (query) => {
      const { success, asked } = await ask(instantCall(query, flags));
      const { series, histograms } = reading(asked, () => readInstant(success.data));
      return answered(series, success, histograms);
    },
    listSeries: async (query) => {
      const { success, asked } = await ask(seriesCall(query));
      return answered(
        reading(asked, () => readLabelSets(success.data)),
        success,
      );
    },
    listLabelValues: async (query) => {
      const { success, asked } = await ask(labelValuesCall(query));
      return answered(
        reading(asked, () => readStrings(success.data)),
        success,
      );
    },
    listMetadata: async () => {
      const { success, asked } = await ask(metadataCall);
      return answered(
        reading(asked, () => readMetadata(success.data)),
        success,
      );
    },
    listRules: () => listRules(ask),
  };
}

type Ask = (call: Call) => Promise<{ readonly success: Success; readonly asked: Asked }>;

function buildAsk(options: PrometheusOptions): Ask {
  const { amp, send, now, sleep } = options;
  const base = baseUrl(options.url);
  const region = ampRegion(base);
  const policy = { ...defaultRetryPolicy, ...options.retry };
  const timeoutMs = options.timeoutMs ?? (amp ? 65_000 : 30_000);
  const deadline = options.deadline ?? (() => Number.POSITIVE_INFINITY);
  const reserve = buildLimiter(ampLabelCallsPerSecond, now);

  const attempt = async (asked: Asked, call: Call): Promise<Attempt<Success>> => {
    const pause = amp && call.limited ? reserve() : 0;
    const leftMs = Math.min(timeoutMs, deadline() - now() - pause);
    if (leftMs <= 0) return outOfTime(asked);
    if (pause > 0) await sleep(pause);
    try {
      return toAttempt(asked, await send(toRequest(base, call, leftMs, options.maxBytes)), now());
    } catch (fault) {
      return { ok: false, ...faultFailure(asked, fault) };
    }
  };

  return async (call) => {
    const asked: Asked = { where: base + call.path, subject: "the query", action: call.action, amp, region };
    if (amp && call.span > ampLongestSpanMs) throw tooLong(asked);
    const { outcome, attempts } = await withRetries(policy, { ...options, deadline }, () =>
      attempt(asked, call),
    );
    if (outcome.ok) return { success: outcome.value, asked };
    throw attempts === 1 ? outcome.error : afterAttempts(outcome.error, attempts);
  };
}

function toRequest(base: string, call: Call, timeoutMs: number, maxBytes: number | undefined): HttpRequest {
  const encoded = encodeParams(call.params);
  const limits = { timeoutMs, ...(maxBytes === undefined ? {} : { maxBytes }) };
  const url = base + call.path;
  if (call.method === "GET") {
    return { method: "GET", url: encoded === "" ? url : `${url}?${encoded}`, headers: {}, ...limits };
  }
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return { method: "POST", url, headers, body: encoded, ...limits };
}

function toAttempt(asked: Asked, answer: HttpAnswer, now: number): Attempt<Success> {
  const success = answer.status < 300 ? readSuccess(parseJson(answer.body)) : undefined;
  if (success !== undefined) return { ok: true, value: success };
  return { ok: false, ...answerFailure(asked, answer, now) };
}

async function listRules(ask: Ask): Promise<Answer<LoadedRuleGroup[]>> {
  const data: LoadedRuleGroup[] = [];
  const notices: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < mostRulePages; page += 1) {
    const { success, asked } = await ask(rulesCall(token));
    const { groups, nextToken } = reading(asked, () => readRules(success.data));
    data.push(...groups);
    notices.push(...success.notices);
    if (nextToken === undefined) return { data, notices };
    token = nextToken;
  }
  return { data, notices: [...notices, `only the first ${mostRulePages} pages of rules were read`] };
}

function answered<T>(data: T, success: Success, histograms = 0): Answer<T> {
  const samplesProcessed = readSamplesProcessed(success.data);
  const skipped = `${histograms} series with native histograms have no single value: use histogram_quantile, _sum or _count`;
  return {
    data,
    notices: histograms === 0 ? success.notices : [...success.notices, skipped],
    ...(samplesProcessed === undefined ? {} : { samplesProcessed }),
  };
}

function reading<T>(asked: Asked, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    throw new PrometheusError(error.kind, `${asked.where}: ${error.message}`, { cause: error });
  }
}

function afterAttempts(error: Error, attempts: number): Error {
  if (!(error instanceof PrometheusError)) return error;
  const { kind, status, cause } = error;
  const message = `${error.message} (${attempts} attempts)`;
  return new PrometheusError(kind, message, { cause, ...(status === undefined ? {} : { status }) });
}

function outOfTime(asked: Asked): Attempt<never> {
  const message = `${asked.where}: no time left for this request; raise the function's timeout or ask for less`;
  return { ok: false, error: new PrometheusError("timeout", message), transient: false };
}

function tooLong(asked: Asked): PrometheusError {
  return new PrometheusError(
    "too-expensive",
    `${asked.where}: AMP answers no more than 95 days at once; ask for a shorter range`,
  );
}
