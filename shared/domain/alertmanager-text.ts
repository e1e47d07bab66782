import { type ReceivedAlert, type ReceivedAlerts, toLabels } from "./received-alert.ts";

interface Draft {
  section: "labels" | "annotations";
  readonly labels: [string, string][];
  readonly annotations: [string, string][];
}

/**
 * Alertmanager's own default text for SNS. It escapes nothing and tells no times: a line that begins nothing
 * goes on with the value before it. Null where the message is another.
 */
export function parseTextAlerts(message: string): ReceivedAlerts | null {
  const alerts: ReceivedAlert[] = [];
  let status: ReceivedAlert["status"] | null = null;
  let draft: Draft | null = null;
  let truncated = false;
  for (const line of message.split("\n").map((text) => text.replace(/\r$/, ""))) {
    const [, list] = /^Alerts (Firing|Resolved):\s*$/.exec(line) ?? [];
    if (list) {
      truncated ||= draft !== null;
      draft = null;
      status = list === "Firing" ? "firing" : "resolved";
    } else if (!status) {
      // The annotations that all alerts share come first, and come again with each alert.
    } else if (!draft) {
      if (/^Labels:\s*$/.test(line)) draft = { section: "labels", labels: [], annotations: [] };
    } else if (draft.section === "labels" && /^Annotations:\s*$/.test(line)) {
      draft.section = "annotations";
    } else if (draft.section === "annotations" && line.startsWith("Source:")) {
      if (draft.labels.length === 0) truncated = true;
      else alerts.push(finish(draft, status, line.slice("Source:".length).trim()));
      draft = null;
    } else {
      addLine(draft[draft.section], line);
    }
  }
  return status && { target: null, truncated: truncated || draft !== null, alerts };
}

function addLine(pairs: [string, string][], line: string): void {
  const [, name, value] = /^ ?- ([^=]+?) = (.*)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) {
    pairs.push([name, value]);
    return;
  }
  const last = pairs.at(-1);
  if (last) last[1] += `\n${line}`;
}

function finish(draft: Draft, status: ReceivedAlert["status"], source: string): ReceivedAlert {
  return {
    status,
    labels: toLabels(draft.labels),
    annotations: toLabels(draft.annotations),
    startsAt: null,
    endsAt: null,
    generatorUrl: source.toWellFormed(),
  };
}
