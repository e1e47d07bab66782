import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

import { methods } from "../../../cli/stage/slack-methods.ts";

const read = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8");
const manifest = read("slack-app-manifest.yml");
const guide = read("slack.md");

describe("the Slack app's manifest", () => {
  test("asks for exactly the scopes of the methods that Sonde calls", () => {
    const needed = new Set(Object.values(methods).flatMap(({ scopes }) => scopes));
    expect(new Set(parse(manifest).oauth_config.scopes.bot)).toEqual(needed);
  });

  test("is what the guide's link creates", () => {
    const link = /\(<(https:\/\/api\.slack\.com\/apps\?[^>]+)>\)/.exec(guide)?.[1] ?? "";
    expect(new URL(link).searchParams.get("manifest_yaml")).toBe(manifest);
  });

  test("has each scope explained in the guide", () => {
    for (const scope of parse(manifest).oauth_config.scopes.bot) expect(guide).toContain(`\`${scope}\``);
  });
});
