import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { stringify } from "yaml";

import { alertmanagerDefinition } from "../../shared/domain/alertmanager-definition.ts";
import { generateRuleFile } from "../../shared/domain/generate-rules.ts";
import { renderRuleFile } from "../../shared/domain/rule-file.ts";
import { startAlertmanager } from "./alertmanager.ts";
import { findAlertmanager } from "./find-alertmanager.ts";
import { startSns } from "./sns.ts";
import type { SnsRecord } from "./sns-record.ts";

export interface AlertingOptions {
  /** A folder of its own; whoever made it removes it. */
  readonly dir: string;
  /** The target that the alerts are of. */
  readonly target: string;
  readonly cacheDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
  readonly now: () => number;
  readonly allowInstall: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What turns a rule of the stage's Prometheus into a message of SNS. */
export interface Alerting {
  /** host:port */
  readonly alertmanager: string;
  readonly ruleFiles: readonly string[];
  /** Hands over what SNS takes from now on. */
  readonly subscribe: (deliver: (record: SnsRecord) => void) => void;
  readonly stop: () => Promise<void>;
}

const region = "eu-west-1";
export const stageTopic = `arn:aws:sns:${region}:111122223333:sonde-stage-alerts`;

/** The rules and the Alertmanager as `sonde render` defines them for AMP, at the stage's pace, and an SNS. */
export async function startAlerting(options: AlertingOptions): Promise<Alerting> {
  const { dir, target, env, now, progress, signal } = options;
  const binaries = await findAlertmanager(options);
  progress(`Alertmanager ${binaries.version} (${binaries.source})`);
  await mkdir(dir, { recursive: true });
  const rules = join(dir, "rules.yml");
  await writeFile(rules, stageRules());
  const sns = await startSns(region, now);
  try {
    const { config, templates } = alertmanagerDefinition(target, { arn: stageTopic, region });
    const running = await startAlertmanager({
      binaries,
      dir: join(dir, "alertmanager"),
      // Only SNS's address is the stage's own.
      config: stringify(config).replace(
        `topic_arn: ${stageTopic}`,
        `topic_arn: ${stageTopic}\n        api_url: ${sns.url}`,
      ),
      files: templates,
      env: { PATH: env.PATH, AWS_ACCESS_KEY_ID: "AKIDSTAGE", AWS_SECRET_ACCESS_KEY: "stage" },
      signal,
    });
    const stop = async () => {
      await running.stop();
      await sns.stop();
    };
    return {
      alertmanager: new URL(running.url).host,
      ruleFiles: [rules],
      subscribe: sns.subscribe,
      stop,
    };
  } catch (error) {
    await sns.stop();
    throw error;
  }
}

/** A second between evaluations; an older Prometheus knows no query_offset. */
function stageRules(): string {
  const { groups } = renderRuleFile(generateRuleFile([], [], { amp: true, delay: 0 }));
  return stringify({
    groups: groups.map(({ query_offset: _, ...group }) => ({ ...group, interval: "1s" })),
  });
}
