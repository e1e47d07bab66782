import { delimiter, dirname } from "node:path";

import { findAlertmanager } from "../../cli/stage/find-alertmanager.ts";
import { findPrometheus } from "../../cli/stage/find-prometheus.ts";
import { programsForTests } from "./programs.ts";

/** Before the integration tests: a Prometheus, its promtool and an Alertmanager on PATH, brought if this machine has none. */
export async function setup(): Promise<void> {
  const options = programsForTests();
  const [{ prometheus }, { alertmanager }] = await Promise.all([
    findPrometheus(options),
    findAlertmanager(options),
  ]);
  const folders = [dirname(prometheus), dirname(alertmanager), process.env.PATH ?? ""];
  process.env.PATH = [...new Set(folders)].join(delimiter);
}
