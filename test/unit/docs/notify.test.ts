import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { compileConfig } from "../../../shared/domain/compile.ts";
import { parseConfig } from "../../../shared/domain/config.ts";
import { changeKinds } from "../../../shared/domain/incident.ts";
import { parseWebhookPost } from "../../support/webhook-receiver.ts";

const guide = readFileSync(new URL("../../../docs/notify.md", import.meta.url), "utf8");

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\n\`\`\``).exec(guide)?.[1];
  if (found === undefined) throw new Error(`the guide has no block of ${language}`);
  return found;
}

describe("the guide to notifiers", () => {
  test("shows config that is taken as it stands", () => {
    const parsed = parseConfig(parse(block("yaml")));
    if ("faults" in parsed) throw new Error(JSON.stringify(parsed.faults));
    const { faults, notes, compiled } = compileConfig(parsed.config, {
      packs: [],
      ruleFiles: [],
      certificates: {},
    });
    expect([faults, notes]).toEqual([[], []]);
    expect(compiled.incidents.routes.map(({ channels }) => channels)).toEqual([
      ["#llm-oncall", "pagerduty:sonde/pagerduty"],
      ["#apps"],
      ["#llm-ops", "webhook:sonde/archive"],
    ]);
  });

  test("shows a post as it is sent", () => {
    expect(parseWebhookPost(block("json"))).toMatchObject({ success: true });
  });

  test("names each change that a post may tell", () => {
    for (const what of changeKinds) expect(guide).toContain(`\`${what}\``);
  });

  test("checks a signature so that only Sonde's own of these five minutes pass", () => {
    const key = "a key that nobody guesses";
    const body = '{"summary":"zu heiß"}';
    const mac = createHmac("sha256", key).update(`1772334000.${body}`).digest("hex");
    const header = `t=1772334000,v1=${mac}`;
    const cases: readonly [header: string, body: string, key: string, now: number][] = [
      [header, body, key, 1772334000_000],
      [header, body, key, 1772334299_000],
      [header, body, key, 1772334301_000],
      [header, `${body} `, key, 1772334000_000],
      [header, body, "another key", 1772334000_000],
      [header.replace("t=1772334000", "t=1772334001"), body, key, 1772334000_000],
      ["", body, key, 1772334000_000],
      [`t=1772334000,v1=${mac.slice(2)}`, body, key, 1772334000_000],
    ];
    const script = `${block("js")}\nconsole.log(JSON.stringify(${JSON.stringify(cases)}.map((one) => isFromSonde(...one))));`;
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(JSON.parse(said)).toEqual([true, true, false, false, false, false, false, false]);
  });
});
