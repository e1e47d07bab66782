import { repeatInterval, targetAttribute } from "./alertmanager.ts";
import { messageFormat } from "./alertmanager-lines.ts";
import { workspaceOf } from "./deployable.ts";
import { drillAlert, drillLabel } from "./drill.ts";
import { formatDuration } from "./duration.ts";
import { quote } from "./go-quote.ts";
import type { Target } from "./probe.ts";
import { watchdogAlert } from "./received-alert.ts";

/** Where Alertmanager sends to. */
export interface AlertsTopic {
  readonly arn: string;
  readonly region: string;
}

/** A definition for Amazon Managed Prometheus, before it is YAML: there the config is text inside YAML. */
export interface AlertmanagerDefinition {
  readonly config: object;
  /** Go templates by file name. */
  readonly templates: Readonly<Record<string, string>>;
}

const templateFile = "sonde_template";
const receiver = "sonde";
/** How soon a group that has changed is told again; repeats are looked for at the same pace. */
const groupInterval = 30_000;

/**
 * What makes an Alertmanager send a target's alerts to the topic, in the form that `parseNotification` reads back
 * to the letter.
 */
export function alertmanagerDefinition(target: string, topic: AlertsTopic): AlertmanagerDefinition {
  const route = (wait: string, repeat: number, by: readonly string[]) => ({
    receiver,
    group_by: by,
    group_wait: wait,
    group_interval: formatDuration(groupInterval),
    repeat_interval: formatDuration(repeat),
  });
  return {
    config: {
      templates: [templateFile],
      // A second, so that the alerts of one evaluation travel together: Sonde does its own grouping.
      route: {
        ...route("1s", repeatInterval.alerts, ["alertname", "severity"]),
        routes: [
          { match: { alertname: watchdogAlert }, ...route("0s", repeatInterval.watchdog, ["alertname"]) },
          // Waits as alerts do, and never for another drill.
          {
            match: { alertname: drillAlert },
            ...route("1s", repeatInterval.alerts, ["alertname", drillLabel]),
          },
        ],
      },
      receivers: [
        {
          name: receiver,
          sns_configs: [
            {
              topic_arn: topic.arn,
              sigv4: { region: topic.region },
              send_resolved: true,
              subject: subjectFor(target),
              message: '{{ template "sonde.message" . }}',
              attributes: { [targetAttribute]: target },
            },
          ],
        },
      ],
    },
    templates: { [templateFile]: template(target) },
  };
}

/** SNS takes a hundred characters, and Alertmanager's own subject has no end. */
function subjectFor(target: string): string {
  return `{{ .Alerts.Firing | len }} firing, {{ .Alerts.Resolved | len }} resolved on ${target.slice(0, 60)}`;
}

/** RFC 3339 to the millisecond, as Go's layouts write it. */
const layout = "2006-01-02T15:04:05.000Z07:00";

/** Firing alerts first: what is lost where SNS cuts a message should be what is over. */
function template(target: string): string {
  const { name, version } = messageFormat;
  const time = (field: string) => `{{ .${field}.Format "${layout}" | printf "%q" }}`;
  const pairs = (field: string) =>
    `{{ range .${field}.SortedPairs }} {{ printf "%q %q" .Name .Value }}{{ end }}`;
  return `{{ define "sonde.message" }}${name} ${version} target ${quote(target)} alerts {{ len .Alerts }} receiver {{ printf "%q" .Receiver }} group${pairs("GroupLabels")}
{{ range .Alerts.Firing }}{{ template "sonde.alert" . }}{{ end }}{{ range .Alerts.Resolved }}{{ template "sonde.alert" . }}{{ end }}end
{{ end }}
{{ define "sonde.alert" }}{{ .Status }} ${time("StartsAt")} ${time("EndsAt")} {{ printf "%q" .GeneratorURL }} labels${pairs("Labels")} annotations${pairs("Annotations")}
{{ end }}
`;
}

/** A policy's part, of texts or of what CloudFormation makes texts of. */
export interface AlertsPolicy {
  readonly topic: unknown;
  readonly workspaces: readonly unknown[];
  readonly account: unknown;
}

/** What lets the Alertmanagers of these workspaces send to the topic, and nobody else's. */
export function topicStatement({ topic, workspaces, account }: AlertsPolicy) {
  return {
    Sid: "PublishAlerts",
    Effect: "Allow",
    Principal: { Service: "aps.amazonaws.com" },
    Action: ["sns:Publish", "sns:GetTopicAttributes"],
    Resource: topic,
    Condition: {
      ArnEquals: { "aws:SourceArn": workspaces },
      StringEquals: { "aws:SourceAccount": account },
    },
  };
}

/** A Managed Prometheus workspace by its parts; the account is known where a role of it is assumed. */
export interface Workspace {
  readonly region: string;
  readonly id: string;
  readonly account?: string;
}

/** The workspace of an AMP target. */
export function targetWorkspace({ amp, url, auth }: Target): Workspace | null {
  const id = workspaceOf(url);
  if (!amp || auth.kind !== "sigv4" || !id) return null;
  const account = /^arn:[^:]+:iam::(\d{12}):/.exec(auth.assumeRole?.roleArn ?? "")?.[1];
  return { region: auth.region, id, ...(account && { account }) };
}
