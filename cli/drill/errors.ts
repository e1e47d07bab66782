import { resolve } from "node:path";

import { buildSend } from "../../shared/adapters/http.ts";
import { ConfigError } from "../../shared/domain/errors.ts";
import { PrometheusError, type QueryInstant } from "../../shared/domain/prometheus.ts";
import type { CompiledTransaction, CompletionSettings } from "../../shared/domain/transactions/compiled.ts";
import type { Verdict } from "../../shared/domain/verdict.ts";
import { suggestName } from "../../shared/domain/words.ts";
import { readSecretFromEnv } from "../client.ts";
import { readConfigFile } from "../config-file.ts";
import type { CliDeps, ExitCode } from "../deps.ts";
import { fit, paintStatus } from "../output/style.ts";
import { checkOne } from "../probe/run.ts";
import {
  type CountedKind,
  type Counts,
  countedKinds,
  countQuery,
  errorProbes,
  movedSince,
} from "./metrics.ts";

export interface DrillErrorsRun {
  readonly config: string;
  /** A completion of config by its name; without it, the only one. */
  readonly completion?: string;
  readonly target?: string;
  /** Of valid and of malformed requests each. */
  readonly requests: number;
  /** How long metrics may take to move, milliseconds. */
  readonly wait: number;
  readonly json?: boolean;
}

/** What became of one check. */
interface Checked {
  readonly check: string;
  readonly status: "ok" | "fail" | "unknown";
  readonly says: string;
}

type Completion = CompiledTransaction & { readonly kind: "completion" };

const requestTimeoutMs = 30_000;
const lookEveryMs = 5_000;

/**
 * `sonde drill errors`: a bounded number of good and of bad requests through the gateway, and whether what it
 * counts of them moves and an error probe would see it.
 */
export async function runDrillErrors(options: DrillErrorsRun, deps: CliDeps): Promise<void> {
  const { compiled, faults } = readConfigFile(resolve(deps.cwd, options.config));
  for (const fault of faults) deps.err(fault);
  const completions = compiled.transactions.filter((one): one is Completion => one.kind === "completion");
  const names = completions.map(({ id }) => id.replace(/^completion-/, ""));
  const { settings, target: own } = pickOne("completion", options.completion, completions, names);
  const targetNames = compiled.targets.map(({ name }) => name);
  const target = pickOne(
    "target",
    options.target ?? (targetNames.includes(own) ? own : undefined),
    compiled.targets,
    targetNames,
  );
  const { queryInstant } = await deps.clientFor(target);
  const before = await countAll(queryInstant, deps.now() - target.delay);
  const sent = await sendAll(settings, options.requests, deps);
  deps.err(
    `sent ${options.requests} valid and ${options.requests} malformed requests; waiting for the metrics of ${target.name} to move`,
  );
  const probes = compiled.probes.filter(({ id }) => errorProbes.includes(id));
  const look = async () => {
    const after = await countAll(queryInstant, deps.now() - target.delay);
    const seen = probes.length === 0 ? [] : (await checkOne(target, probes, deps.now(), deps)).verdicts;
    return [
      ...countedKinds.map(({ kind }) => judgeMove(kind, before.get(kind), after.get(kind))),
      judgeProbes(seen, probes.length),
    ];
  };
  const checks = [...sent, ...(await lookUntilSeen(look, options.wait, deps))];
  for (const one of checks) deps.out(options.json ? JSON.stringify(one) : row(one, deps));
  const count = (status: Checked["status"]) => checks.filter((one) => one.status === status).length;
  if (options.json)
    deps.out(
      JSON.stringify({ summary: { ok: count("ok"), fail: count("fail"), unknown: count("unknown") } }),
    );
  deps.exit(exitCode(checks));
}

function pickOne<T>(
  what: string,
  wanted: string | undefined,
  all: readonly T[],
  names: readonly string[],
): T {
  const [only, ...others] = all;
  if (only === undefined) throw new ConfigError(`config has no ${what}: add one (docs/transactions.md)`);
  if (wanted === undefined && others.length === 0) return only;
  const found = all[names.indexOf(wanted ?? "")];
  if (found === undefined)
    throw new ConfigError(
      wanted === undefined
        ? `config has several: say which by --${what} ${names.join("|")}`
        : `no ${what} "${wanted}": ${suggestName(wanted, names)}`,
    );
  return found;
}

/** What a gateway should refuse: JSON that ends early, messages that are none, and a model that is not there. */
function malformedBodies(model: string): readonly string[] {
  const messages = [{ role: "user", content: "Say OK." }];
  return [
    `{"model": ${JSON.stringify(model)}, "messages": [`,
    JSON.stringify({ model, messages: "none" }),
    JSON.stringify({ model: "sonde-drill-no-such-model", messages, max_tokens: 8 }),
  ];
}

async function sendAll(settings: CompletionSettings, count: number, deps: CliDeps): Promise<Checked[]> {
  const key = settings.apiKey === "" ? null : readSecretFromEnv(settings.apiKey, deps.env).trim();
  const send = buildSend({
    auth: key === null ? { kind: "none" } : { kind: "bearer", token: key },
    now: deps.now,
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
  });
  const post = async (body: string): Promise<number | string> => {
    try {
      const { status } = await send({
        method: "POST",
        url: `${settings.url}/chat/completions`,
        headers: {
          ...settings.headers,
          ...(settings.tenant ? { [settings.tenantHeader]: settings.tenant } : {}),
          "content-type": "application/json",
        },
        body,
        timeoutMs: requestTimeoutMs,
        maxBytes: 1024 * 1024,
      });
      return status;
    } catch (error) {
      return error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    }
  };
  const valid = JSON.stringify({
    model: settings.model,
    messages: [{ role: "user", content: "Say OK." }],
    [settings.limitBy]: 8,
  });
  const bad = malformedBodies(settings.model);
  const answers: { good: (number | string)[]; bad: (number | string)[] } = { good: [], bad: [] };
  // One after another: a drill is no load test.
  for (let nth = 0; nth < count; nth++) {
    answers.good.push(await post(valid));
    answers.bad.push(await post(bad[nth % bad.length] ?? valid));
  }
  return [
    judgeAnswers("valid requests", answers.good, (status) => status === 200, "answered 200"),
    judgeAnswers(
      "malformed requests",
      answers.bad,
      (status) => typeof status === "number" && status >= 400,
      "refused",
    ),
  ];
}

function judgeAnswers(
  check: string,
  answers: readonly (number | string)[],
  isRight: (answer: number | string) => boolean,
  word: string,
): Checked {
  const right = answers.filter(isRight).length;
  const others = [...new Set(answers.filter((answer) => !isRight(answer)))].join(", ");
  const says = `${right} of ${answers.length} ${word}${others ? `; the others: ${others}` : ""}`;
  return { check, status: right === answers.length ? "ok" : "fail", says };
}

type AllCounts = ReadonlyMap<CountedKind["kind"], Counts | string>;

/** What is counted now; of a kind that could not be asked, why. */
async function countAll(queryInstant: QueryInstant, at: number): Promise<AllCounts> {
  const counts = await Promise.all(
    countedKinds.map(async (counted) => {
      try {
        const { data } = await queryInstant({ query: countQuery(counted), at });
        const values = data.map(({ labels, sample }) => [labels.__name__ ?? "", sample.v] as const);
        return [counted.kind, new Map(values)] as const;
      } catch (error) {
        if (!(error instanceof PrometheusError)) throw error;
        return [counted.kind, error.message] as const;
      }
    }),
  );
  return new Map<CountedKind["kind"], Counts | string>(counts);
}

/** Looks until everything is seen, or until time is up: scrapes and the probes' own steps take theirs. */
async function lookUntilSeen(
  look: () => Promise<Checked[]>,
  wait: number,
  deps: CliDeps,
): Promise<Checked[]> {
  const end = deps.now() + wait;
  for (;;) {
    const checks = await look();
    if (checks.every(({ status }) => status === "ok") || deps.now() >= end || deps.interrupted.aborted)
      return checks;
    await deps.sleep(Math.min(lookEveryMs, end - deps.now()));
  }
}

function judgeMove(
  kind: CountedKind["kind"],
  before: Counts | string | undefined,
  after: Counts | string | undefined,
): Checked {
  const check = `${kind} counted`;
  if (typeof before === "string" || typeof after === "string" || !before || !after)
    return { check, status: "unknown", says: String(typeof after === "string" ? after : before) };
  if (before.size === 0 && after.size === 0)
    return {
      check,
      status: "unknown",
      says: "the target has none of the gateways' metrics for it: is the gateway scraped?",
    };
  const moved = [...movedSince(before, after)].filter(([, by]) => by > 0);
  if (moved.length > 0)
    return { check, status: "ok", says: moved.map(([name, by]) => `${name} +${by}`).join(", ") };
  return { check, status: "fail", says: `${[...after.keys()].join(", ")} did not move` };
}

function judgeProbes(verdicts: readonly Verdict[], configured: number): Checked {
  const check = "errors seen by a probe";
  if (configured === 0)
    return { check, status: "unknown", says: `config runs none of ${errorProbes.join(", ")}` };
  const seeing = verdicts.filter(({ value }) => value !== null && value > 0);
  if (seeing.length > 0)
    return { check, status: "ok", says: [...new Set(seeing.map(({ probe }) => probe))].join(", ") };
  const known = verdicts.filter(({ status }) => status !== "unknown");
  return known.length > 0
    ? {
        check,
        status: "fail",
        says: `${[...new Set(known.map(({ probe }) => probe))].join(", ")} show no error`,
      }
    : { check, status: "unknown", says: verdicts[0]?.reason ?? "no verdict" };
}

function row({ check, status, says }: Checked, { style }: CliDeps): string {
  return `  ${paintStatus(style, status)} ${check.padEnd(23)} ${fit(says, Math.max(20, style.width - 37))}`;
}

function exitCode(checks: readonly Checked[]): ExitCode {
  if (checks.some(({ status }) => status === "fail")) return 1;
  return checks.some(({ status }) => status === "unknown") ? 3 : 0;
}
