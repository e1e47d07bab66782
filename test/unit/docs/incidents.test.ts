import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";

import { compilePolicy } from "../../../shared/domain/compile-policy.ts";
import { parseConfig, type SondeConfig } from "../../../shared/domain/config.ts";
import type { ConfigFault } from "../../../shared/domain/faults.ts";

const guide = readFileSync(new URL("../../../docs/incidents.md", import.meta.url), "utf8");
const examples = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = ""]) => text);

function compiled(config: SondeConfig) {
  const faults: ConfigFault[] = [];
  const { routes: _, maintenance: __, ...policy } = compilePolicy(config, [], [], faults, []);
  return policy;
}

it.each(examples)("this example of the guide is valid: %s", (text) => {
  expect(parseConfig(parse(text))).not.toHaveProperty("faults");
});

it.each(["groupBy", "groupWait", "groupInterval", "repeatInterval", "flapping"])(
  "the guide's example of %s shows the default",
  (key) => {
    const [example] = examples.filter((text) => text.includes(`${key}:`) && text.includes("incidents:"));
    const parsed = parseConfig(parse(example ?? ""));
    if (!("config" in parsed)) throw new Error("the example is not valid");
    const { incidents = {} } = parsed.config;
    expect(incidents).toHaveProperty(key);
    expect(compiled({ incidents })).toEqual(compiled({}));
  },
);
