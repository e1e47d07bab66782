import { buildAlarms } from "../stacks/alarms.ts";

/** What a deployment does in a month. */
export interface Usage {
  readonly targets: number;
  /** Billed seconds of one round: `REPORT` in run-probes' log. */
  readonly secondsPerRound: number;
  /** Query samples that one target's round processes: the metric SamplesProcessed. */
  readonly samplesPerRound: number;
  /** Changes of incidents that are told, a month. */
  readonly messages: number;
}

export interface CostLine {
  readonly item: string;
  /** US dollars a month. */
  readonly dollars: number;
}

const million = 1e6;
const rounds = (365 / 12) * 24 * 60;

/** US dollars, list prices of us-east-1 in November 2026, without any free tier. */
const price = {
  lambdaGigabyteSecond: 0.0000133334,
  lambdaRequest: 0.2 / million,
  schedule: 1 / million,
  event: 1 / million,
  queueRequest: 0.5 / million,
  s3Write: 5 / million,
  s3Read: 0.4 / million,
  key: 1,
  keyRequest: 0.03 / 10_000,
  metric: 0.3,
  alarmMetric: 0.1,
  logGigabyte: 0.53,
  trace: 5 / million,
  querySample: 0.1 / 1e9,
} as const;

/** Bytes of log that a round writes: once, and for each target. */
const logBytes = { round: 1_000, target: 900 } as const;
/** Lambda asks an idle queue for work by five pollers that wait twenty seconds each. */
const polls = 5 * 3 * rounds;
/** A round reads silences, incidents and state, and writes incidents and state. */
const stateDollars = 2 * price.s3Write + 3 * price.s3Read;
const runProbesGigabytes = 0.5;
const notifySlackGigabytes = 0.25;
const secondsPerMessage = 1.5;
const metricsOfAll = 3;
const metricsOfTarget = 6;

/** A month's bill of what the template creates, by what it comes from. */
export function monthlyCost({ targets, secondsPerRound, samplesPerRound, messages }: Usage): CostLine[] {
  const probing = rounds * lambdaCall(secondsPerRound * runProbesGigabytes);
  const notifying = messages * lambdaCall(secondsPerMessage * notifySlackGigabytes);
  // Several targets are evaluated by an invocation of run-probes each.
  const sentOff = targets > 1 ? rounds * targets : 0;
  return [
    { item: "Lambda", dollars: probing + notifying + sentOff * price.lambdaRequest },
    { item: "CloudWatch metrics", dollars: (metricsOfAll + metricsOfTarget * targets) * price.metric },
    { item: "CloudWatch alarms", dollars: alarmMetrics(targets) * price.alarmMetric },
    {
      item: "CloudWatch Logs",
      dollars: (rounds * (logBytes.round + logBytes.target * targets) * price.logGigabyte) / 1e9,
    },
    { item: "X-Ray", dollars: (rounds + sentOff + messages) * price.trace },
    { item: "KMS", dollars: price.key + rounds * price.keyRequest },
    {
      item: "S3",
      dollars: rounds * targets * stateDollars + sentOff * price.s3Read + messages * 2 * price.s3Write,
    },
    {
      item: "Scheduler, EventBridge, SQS",
      dollars: rounds * price.schedule + (sentOff + messages) * price.event + polls * price.queueRequest,
    },
    { item: "Managed Prometheus, query samples", dollars: targets * sampleDollars(samplesPerRound) },
  ];
}

/** US dollars a month for the query samples of one target's rounds. */
export function sampleDollars(samplesPerRound: number): number {
  return rounds * samplesPerRound * price.querySample;
}

function lambdaCall(gigabyteSeconds: number): number {
  return gigabyteSeconds * price.lambdaGigabyteSecond + price.lambdaRequest;
}

/** An alarm costs by the metrics that it reads. */
function alarmMetrics(targets: number): number {
  const { Resources } = buildAlarms({
    name: "",
    functions: ["run-probes", "notify-slack", "receive-alertmanager"],
    config: { targets: Array(targets), probes: ["any"] },
    service: "",
    email: "",
  });
  return Object.values(Resources)
    .map(({ Properties }) => (Array.isArray(Properties.Metrics) ? Properties.Metrics.length - 1 : 1))
    .reduce((sum, count) => sum + count, 0);
}

const examples: readonly Usage[] = [
  { targets: 0, secondsPerRound: 0.1, samplesPerRound: 0, messages: 0 },
  { targets: 1, secondsPerRound: 1, samplesPerRound: million, messages: 1_000 },
  { targets: 3, secondsPerRound: 2, samplesPerRound: million, messages: 3_000 },
];

/** The bills of three examples as a Markdown table: docs/deploy.md shows it as it is printed. */
export function costTable(): string {
  const bills = examples.map(monthlyCost);
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const dollars = (bill: readonly CostLine[], index: number) => (bill[index]?.dollars ?? 0).toFixed(2);
  const items = (bills[0] ?? []).map(({ item }, index) =>
    row([item, ...bills.map((bill) => dollars(bill, index))]),
  );
  const sums = bills.map((bill) => bill.reduce((sum, line) => sum + line.dollars, 0).toFixed(2));
  return [
    row(["US dollars a month", ...examples.map(describe)]),
    "|---|--:|--:|--:|",
    ...items,
    row(["**together**", ...sums.map((sum) => `**${sum}**`)]),
  ].join("\n");
}

function describe({ targets, secondsPerRound, messages }: Usage): string {
  if (targets === 0) return "no targets yet";
  const what = targets === 1 ? "1 target" : `${targets} targets`;
  return `${what}, rounds of ${secondsPerRound} s, ${messages} messages`;
}

/** What fast probes add for one target, besides their samples: a function that waits between rounds is paid for. */
function fastProbesDollars(everySeconds: number): number {
  const more = Math.ceil(60 / everySeconds) - 1;
  const waiting = more * everySeconds * runProbesGigabytes * price.lambdaGigabyteSecond;
  const log = (logBytes.target * price.logGigabyte) / 1e9;
  return rounds * (waiting + more * (stateDollars + log));
}

/** One sentence: docs/deploy.md has it as it is printed. */
export function fastProbesLine(): string {
  const added = fastProbesDollars(15).toFixed(0);
  return `With fast probes (\`every: 15s\`) run-probes runs all minute: $${added} a month more for each target and shard, and the fast probes' own samples.`;
}

const runTransactionsGigabytes = 0.25;
/** Success, lag and duration: see functions/run-transactions. */
const metricsOfTransaction = 3;

/** What transactions add: each run waits for what it sent to come back, and remembers thrice. */
function transactionsDollars(count: number, everyMinutes: number, seconds: number): number {
  const runs = (rounds / everyMinutes) * count;
  const calls = rounds * lambdaCall(0.1 * runTransactionsGigabytes);
  const running = runs * seconds * runTransactionsGigabytes * price.lambdaGigabyteSecond;
  const state = rounds * price.s3Read + runs * 3 * price.s3Write;
  return calls + running + state + count * metricsOfTransaction * price.metric;
}

/** One sentence: docs/deploy.md has it as it is printed. */
export function transactionsLine(): string {
  const added = transactionsDollars(5, 5, 10).toFixed(2);
  return `Five transactions, each every five minutes and ten seconds long, add $${added} a month.`;
}

export async function benchCost(): Promise<void> {
  console.log(costTable());
  console.log(`\n${fastProbesLine()}\n${transactionsLine()}`);
}
