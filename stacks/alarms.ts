import { functionLogicalId, pascalCase, type Resource, ref, type Stack } from "./template.ts";

export interface AlarmSettings {
  /** Begins every alarm's name: key and topic admit alarms by it. */
  readonly name: string;
  readonly functions: readonly string[];
  readonly config: { readonly targets: readonly unknown[]; readonly probes: readonly unknown[] };
  /** The `service` dimension of run-probes' metrics. */
  readonly service: string;
  /** Empty: nobody is mailed. */
  readonly email: string;
}

interface Alarm {
  readonly id: string;
  readonly name: string;
  /** What it means and what to do. */
  readonly says: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** All alarms about Sonde itself, and who is mailed. They go to the topic, never through what they watch. */
export function buildAlarms(settings: AlarmSettings): Stack {
  const alarms = [
    ...settings.functions.flatMap(functionAlarms),
    ...queues
      .filter((queue) => queue.of === undefined || settings.functions.includes(queue.of))
      .map(queueAlarm),
    ...deadMan(settings),
    messagesBehind(settings),
  ];
  return {
    Resources: {
      ...Object.fromEntries(alarms.map(({ id, ...alarm }) => [id, buildAlarm(alarm, settings.name)])),
      ...subscription(settings.email),
    },
  };
}

function buildAlarm({ name, says, properties }: Omit<Alarm, "id">, prefix: string): Resource {
  return {
    Type: "AWS::CloudWatch::Alarm",
    Properties: {
      AlarmName: `${prefix}-${name}`,
      AlarmDescription: says,
      AlarmActions: [ref("OpsTopic")],
      OKActions: [ref("OpsTopic")],
      TreatMissingData: "notBreaching",
      ...properties,
    },
  };
}

function subscription(email: string): Record<string, Resource> {
  if (!email) return {};
  return {
    OpsEmail: {
      Type: "AWS::SNS::Subscription",
      Properties: { Protocol: "email", TopicArn: ref("OpsTopic"), Endpoint: email },
    },
  };
}

/** One bad minute is caught up by the next, so it takes three of five. */
const threeOfFive = { Period: 60, EvaluationPeriods: 5, DatapointsToAlarm: 3 };
const moreThanNone = { Threshold: 0, ComparisonOperator: "GreaterThanThreshold" };

function functionAlarms(name: string): Alarm[] {
  const metric = (MetricName: string) => ({
    Namespace: "AWS/Lambda",
    MetricName,
    Dimensions: [{ Name: "FunctionName", Value: ref(functionLogicalId(name)) }],
    Statistic: "Sum",
    ...threeOfFive,
    ...moreThanNone,
  });
  return [
    {
      id: `${pascalCase(name)}ErrorsAlarm`,
      name: `${name}-errors`,
      says: `${name} fails again and again. Its log says why.`,
      properties: metric("Errors"),
    },
    {
      id: `${pascalCase(name)}ThrottlesAlarm`,
      name: `${name}-throttles`,
      says: `${name} is throttled: the account's Lambda concurrency in this region is used up. Ask AWS for more.`,
      properties: metric("Throttles"),
    },
  ];
}

interface WatchedQueue {
  readonly id: string;
  readonly name: string;
  readonly says: string;
  readonly watch: "depth" | "age";
  /** The function that it belongs to, where that is one that not everybody deploys. */
  readonly of?: string;
}

/** Every queue of the template, and what it means when something lies in it. */
const queues: readonly WatchedQueue[] = [
  {
    id: "RunProbesMissedRounds",
    name: "missed-rounds",
    says: "EventBridge Scheduler could not start run-probes. The dead letters say why; they are gone after a day.",
    watch: "depth",
  },
  {
    id: "RunTransactionsMissedRuns",
    name: "missed-transactions",
    says: "EventBridge Scheduler could not start run-transactions. The dead letters say why; they are gone after a day.",
    watch: "depth",
    of: "run-transactions",
  },
  {
    id: "UndeliveredEvents",
    name: "undelivered-events",
    says: "EventBridge could not hand events to a queue. The dead letters say why. Purge the queue when it is mended: every round announces again what is still to be told.",
    watch: "depth",
  },
  {
    id: "NotifySlackHints",
    name: "notify-slack-behind",
    says: "Slack's messages are more than a quarter of an hour behind the incidents. The log of notify-slack says why.",
    watch: "age",
  },
  {
    id: "NotifySlackDeadLetters",
    name: "notify-slack-dead-letters",
    says: "A channel could not be told, five times over. The log of notify-slack says why: often the bot was never invited. Purge the queue when it is mended.",
    watch: "depth",
  },
  {
    id: "AlertDeadLetters",
    name: "alert-dead-letters",
    says: "Alerts that Alertmanager sent could not be taken in. The log of receive-alertmanager says why. Purge the queue when it is mended: Alertmanager repeats what still fires.",
    watch: "depth",
  },
  {
    id: "ApplyAnswerDeadLetters",
    name: "apply-answer-dead-letters",
    says: "A click in Slack could not be applied, three times over, or the sweep for such clicks fails. The log of apply-answer says why. It is tried again for an hour; the dead letters are gone after a day.",
    watch: "depth",
    of: "apply-answer",
  },
];

/** In seconds. */
const hintsMayWait = 900;

function queueAlarm({ id, name, says, watch }: WatchedQueue): Alarm {
  return {
    id: `${id}Alarm`,
    name,
    says,
    properties: {
      Namespace: "AWS/SQS",
      MetricName: watch === "depth" ? "ApproximateNumberOfMessagesVisible" : "ApproximateAgeOfOldestMessage",
      Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": [id, "QueueName"] } }],
      Statistic: "Maximum",
      Period: 60,
      EvaluationPeriods: 1,
      ...moreThanNone,
      ...(watch === "age" ? { Threshold: hintsMayWait } : {}),
    },
  };
}

/** What is wrong with one message is in no queue: its hints are not kept, lest they hold up their channel. */
function messagesBehind({ service }: AlarmSettings): Alarm {
  return {
    id: "MessagesBehindAlarm",
    name: "messages-behind",
    says: "For a quarter of an hour a message has not told what changed about its incident. The log of notify-slack says why.",
    properties: {
      Namespace: "Sonde",
      MetricName: "MessagesBehind",
      Dimensions: [{ Name: "service", Value: service }],
      Statistic: "Maximum",
      ...threeOfFive,
      ...moreThanNone,
    },
  };
}

/** Share of the probes that must have been answered. One probe that always fails is an incident, not an outage. */
const enoughAnswered = 0.9;

/** Rings when probes go unanswered, and when nothing is heard of them at all. There is none while nothing is probed. */
function deadMan({ config, service }: AlarmSettings): Alarm[] {
  if (config.targets.length === 0 || config.probes.length === 0) return [];
  const sum = (Id: string, MetricName: string) => ({
    Id,
    ReturnData: false,
    MetricStat: {
      Metric: { Namespace: "Sonde", MetricName, Dimensions: [{ Name: "service", Value: service }] },
      Period: 60,
      Stat: "Sum",
    },
  });
  return [
    {
      id: "DeadManAlarm",
      name: "probes-not-evaluated",
      says: `For five minutes fewer than ${enoughAnswered * 100} % of the probes were answered, or run-probes was silent. Its log says which targets do not answer. May ring once when it is new, before the first rounds.`,
      properties: {
        Metrics: [
          { Id: "answered", Label: "probes evaluated / configured", Expression: "evaluated / configured" },
          sum("evaluated", "ProbesEvaluated"),
          sum("configured", "ProbesConfigured"),
        ],
        EvaluationPeriods: 5,
        Threshold: enoughAnswered,
        ComparisonOperator: "LessThanThreshold",
        TreatMissingData: "breaching",
      },
    },
  ];
}
