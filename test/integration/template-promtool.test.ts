import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { checkTemplate, renderTemplate } from "../../shared/domain/template.ts";
import { runPromtool } from "../support/promtool.ts";

interface Case {
  readonly text: string;
  readonly value?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const pod = { namespace: "llm", pod: "vllm-0", instance: "10.0.0.7:8000", "": "" } as const;
const host = { instance: "gpu-7.eu.example.com:9400", gpu: "3", path: "a/b c&d", name: "ünïcode ßtraße" };
const v = "{{ $value }}";

function over(values: readonly number[], text: string): Case[] {
  return values.map((value) => ({ text, value }));
}

const numbers = [
  0,
  -0,
  1,
  -1,
  5,
  91.5,
  0.1,
  1e6,
  123456,
  1234567,
  123456789,
  1e20,
  1e21,
  1e-4,
  1e-5,
  0.00012345,
  100000.5,
  2.5,
  0.5,
  999.95,
  999.949,
  1000,
  1023,
  1024,
  1536,
  1e15,
  1e24,
  1e27,
  -1234.5678,
  59.999,
  60,
  3599,
  3600,
  86399.9,
  90061,
  1e9,
  1e-9,
  1e-27,
  0.9999,
  0.99999,
  4.5e-3,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1.7e9,
  1699999999.123,
  2 ** 53,
  0.045,
  1.005,
  12345.5,
];

const cases: readonly Case[] = [
  { text: "{{ $value | }}" },
  ...over(numbers, v),
  ...over(numbers, "{{ humanize $value }}"),
  ...over(numbers, "{{ $value | humanize1024 }}B"),
  ...over(
    numbers.filter((n) => Math.abs(n) < 1e18 || !Number.isFinite(n)),
    "{{ .Value | humanizeDuration }}",
  ),
  ...over(numbers, "{{ humanizePercentage $value }}"),
  ...over(
    numbers.filter((n) => Math.abs(n) < 9e9 || !Number.isFinite(n)),
    "{{ humanizeTimestamp $value }}",
  ),
  ...over([0, 1.7e9, 1699999999.1234, -1.5], "{{ toTime $value }}"),
  ...[
    "%v",
    "%g",
    "%f",
    "%e",
    "%.2f",
    "%.0f",
    "%5.1f",
    "%-8.2f|",
    "%08.3f",
    "%+.1f",
    "% .1f",
    "%.3g",
    "%G",
    "%E",
    "%x",
  ]
    .map((verb) => `{{ printf "${verb}" $value }}`)
    .flatMap((text) => over(numbers, text)),
  {
    text: "GPU {{ $labels.gpu }} on {{ $labels.instance }} is at {{ $value }} °C",
    labels: host,
    value: 91.5,
  },
  { text: '{{ .Labels.gpu }} {{ index $labels "gpu" }} {{ index .Labels "none" }}', labels: host },
  { text: "[{{ $labels.missing }}] {{ $labels.__name__ }}", labels: host },
  { text: "{{ $labels }} {{ . }} {{ $ }}", labels: { b: "2", a: "1" }, value: 5 },
  { text: "{{ $externalLabels.cluster }} {{ $externalURL }}" },
  {
    text: '{{ printf "%s %d? %v %q %t %% %T" $labels.gpu 7 $value $labels.path true $value }}',
    labels: host,
  },
  { text: '{{ printf "%d %s %t" $value $value $value }} {{ printf "%z" 1 }} {{ printf "%!" }}', value: 1.5 },
  { text: '{{ printf "%s" }} {{ printf "a" 1 "b" $value }} {{ printf "%" }}', value: 2 },
  {
    text: '{{ printf "%[2]s %[1]s" "a" "b" }} {{ printf "%[5]s" "a" }} {{ printf "%5s|%-5s|%05d|%+d|% d" "a" "b" 42 42 42 }}',
  },
  {
    text: '{{ printf "%x %X %o %b %c %v" 255 255 8 5 65 0x1F }} {{ printf "%x %X" "hé" "hé" }} {{ printf "%.2s|%q" "héllo" "a\\"b\\n\\x01é" }}',
  },
  {
    text: '{{ printf "%v %s" $labels true }} {{ printf "%8.3d|%-6d|%06d" 7 -7 -7 }} {{ printf "%5t|%v" true nil }}',
    labels: { a: "1" },
  },
  {
    text: '{{ print 1 2 "a" "b" 3 4 }} {{ println 1 "a" }}{{ print $value $labels.gpu $value }}',
    labels: host,
    value: 2,
  },
  {
    text: '{{ "a" | printf "%s-%s" "b" }} {{ $value | printf "%.2f" }} {{ ($value | humanize) | toUpper }}',
    value: 1234,
  },
  {
    text: "{{ title $labels.name }} {{ toUpper $labels.name }} {{ toLower `ABCÉΣ` }} {{ title `a-b_c d'e 1x éa` }}",
    labels: host,
  },
  { text: "{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}", labels: host },
  ...[
    "a.b:1",
    "10.0.0.1:80",
    "10.0.0.1",
    "[::1]:80",
    "::1",
    "a",
    "a.b.c",
    "a:b:c",
    "[::1]",
    "x.y:",
    ":80",
    "[a.b]:1",
    "300.1.1.1:5",
  ].map((at) => ({ text: "{{ stripPort $labels.at }}|{{ stripDomain $labels.at }}", labels: { at } })),
  {
    text: '{{ match "^gpu-[0-9]+" $labels.instance }} {{ match `^\\d+$` $labels.gpu }} {{ match "x" "" }}',
    labels: host,
  },
  ...[
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is Go's notation
    ["(.*):(.*)", "$1 at ${2}"],
    ["(.*):(.*)", "$1x"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is Go's notation
    ["(.*):(.*)", "${1}x"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is Go's notation
    ["(?P<h>[^.]+)\\..*", "${h}!"],
    ["a*", "-"],
    ["", "-"],
    ["[aeiou]", "<$0>"],
    ["(?i)GPU", "$$"],
    [".", "x"],
    ["\\bgpu\\b", "X"],
    ["[[:digit:]]+", "#"],
    ["[^[:alpha:]]", "_"],
    ["\\pL", "L"],
    ["(e)|(u)", "[$1|$2]"],
    ["gpu|g", "X"],
    ["(?U)g.*e", "X"],
    ["\\Q.\\E", "dot"],
    ["\\x67", "G"],
    ["x*$", "END"],
    ["^", "START"],
    ["(?:e)(x)", "$1$5$name$"],
    ["[a-c.\\-]", "_"],
    ["\\.[\\w]{2}\\.", "!"],
    ["(?s:.)+?x", "*"],
    ["[\\s\\d]", "?"],
    ["(g)(?i)PU|EU", "<$1>"],
    ["e{1,2}", "E"],
    ["{", "b"],
    ["[]:]", ";"],
  ].map(([pattern, replacement]) => ({
    text: `{{ reReplaceAll \`${pattern}\` \`${replacement}\` $labels.instance }}`,
    labels: host,
  })),
  {
    text: '{{ parseDuration "1h30m" }} {{ parseDuration "90s" | humanizeDuration }} {{ parseDuration "1d" }}',
  },
  { text: '{{ len $labels.name }} {{ len $labels }} {{ len "" }}', labels: host },
  ...over(
    [0, 1, 50, 80, 90, 90.5],
    "{{ if gt $value 90.0 }}hot{{ else if ge $value 80.0 }}warm{{ else }}cool{{ end }}",
  ),
  ...over(
    [0, 1, Number.NaN],
    "{{ if $value }}yes{{ else }}no{{ end }} {{ not $value }} {{ with $value }}<{{ . }}>{{ else }}none{{ end }}",
  ),
  {
    text: '{{ if and (eq $labels.gpu "3") (ne $value 0.0) }}a{{ end }}{{ if or (lt $value 0.0) (le $value 5.0) }}b{{ end }}',
    labels: host,
    value: 5,
  },
  {
    text: '{{ and "" 1 }}|{{ and 1 "x" }}|{{ or "" 0 }}|{{ or "" "y" 5 }}|{{ eq "a" "b" "a" }}|{{ eq true true }}|{{ lt "a" "b" }}|{{ gt 3 2 }}',
  },
  {
    text: "{{ $x := 5 }}{{ if true }}{{ $x = 6 }}{{ $y := 1 }}{{ $y }}{{ end }}{{ $x }}{{ $z := $value | humanize }} {{ $z }}",
    value: 1e4,
  },
  {
    text: 'a  {{- /* note */ -}}  b {{/* c */}} c\n\n{{- $value -}}\n  d {{- `x y` }} {{ "q}}" }}',
    value: 1,
  },
  {
    text: "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}{{ range .Labels }}<{{ . }}>{{ else }}no{{ end }}",
    labels: { b: "2", a: "1" },
  },
  {
    text: "{{ range $externalLabels }}x{{ else }}none{{ end }} {{ with $labels.gpu }}{{ . }}{{ $value }}{{ end }} {{ with $x := 3 }}{{ $x }}{{ end }}",
    labels: host,
  },
  {
    text: "{{ 1 }} {{ 1.0 }} {{ -2.5e3 }} {{ 010 }} {{ 1_000 }} {{ 'a' }} {{ true }} {{ \"\\u00e9\\t|\" }} {{ .5 }} {{ +3 }}",
  },
  {
    text: '{{ humanize "1234567" }} {{ humanize 1234 }} {{ humanizePercentage "0.25" }} {{ humanizeDuration "+Inf" }}',
  },
  {
    text: "{{ $labels.path | urlquery }} {{ urlquery `a*(b)!'~é` }} {{ html `<a & \"b'>` }} {{ safeHtml `<b>` }}",
    labels: host,
  },
  { text: "{{ graphLink `up > 0` }} {{ tableLink `up` }}" },
  { text: "no template, {single} braces }} and %d, \\n" },
  {
    text: '{{ $labels.pod }}/{{ .Labels.namespace }} {{ (index $labels "pod") }} {{ $.Labels.pod }} {{ ($).Labels.pod }}',
    labels: pod,
  },
  {
    text: "{{ if eq $labels.missing `` }}empty{{ end }}{{ if $labels.missing }}x{{ else with $labels.pod }}{{ end }}{{ end }}",
  },
].filter(({ text }) => !text.includes("else with"));

const executionErrors: readonly string[] = [
  "{{ gt $value 5 }}",
  "{{ eq 5 5.0 }}",
  "{{ toUpper $value }}",
  '{{ humanize "x" }}',
  '{{ humanize "" }}',
  "{{ humanize $labels }}",
  "{{ $value.foo }}",
  "{{ .Nothing }}",
  "{{ nil }}",
  "{{ 5 5 }}",
  "{{ humanize 1 2 }}",
  "{{ humanize }}",
  "{{ len $value }}",
  '{{ reReplaceAll "(" "x" "y" }}',
  '{{ reReplaceAll "(?=a)" "x" "y" }}',
  '{{ reReplaceAll "a**" "x" "y" }}',
  '{{ match "\\\\1" "x" }}',
  "{{ lt true false }}",
  "{{ index $value 1 }}",
  "{{ range $value }}{{ end }}",
  "{{ humanizeTimestamp 1e19 }}",
  '{{ toTime "NaN" }}',
  '{{ parseDuration "x" }}',
];

const parseErrors: readonly string[] = [
  "{{ $value",
  "{{ $nope }}",
  "{{ nope }}",
  "{{ }}",
  "{{ if }}x{{ end }}",
  "{{ if $value }}x",
  "{{ end }}",
  "{{ else }}",
  "{{ if $value }}{{ else }}{{ else }}{{ end }}",
  "{{ ($value }}",
  "{{ $value ) }}",
  "{{ $value | | print }}",
  "{{ $value | 5 }}",
  '{{ "open }}',
  '{{ "bad \\z" }}',
  "{{ 5x }}",
  '{{ print "a""b" }}',
  "{{ $value & 1 }}",
  "{{ end x }}",
  "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}",
];

function promtoolValue(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
}

function alerting(texts: readonly Case[]) {
  const rules = texts.map(({ text }, at) => ({
    alert: `T${at}`,
    expr: `v{case="${at}"}`,
    annotations: { out: text },
  }));
  const series = texts.map(({ value = 1, labels = {} }, at) => {
    const pairs = Object.entries({ ...labels, case: String(at) }).filter(([name]) => name !== "");
    return {
      series: `v{${pairs.map(([name, text]) => `${name}=${JSON.stringify(text)}`).join(",")}}`,
      values: promtoolValue(value),
    };
  });
  return { rules: { groups: [{ name: "g", rules }] }, series };
}

function labelsOf({ labels = {} }: Case, at: number): Record<string, string> {
  return Object.fromEntries(Object.entries({ ...labels, case: String(at) }).filter(([name]) => name !== ""));
}

async function compareWithPromtool(texts: readonly Case[]): Promise<void> {
  const { rules, series } = alerting(texts);
  const expected = texts.map((entry, at) => {
    const labels = labelsOf(entry, at);
    const data = {
      labels: { __name__: "v", ...labels },
      value: entry.value ?? 1,
      externalLabels: { cluster: "prod" },
    };
    const out = renderTemplate(entry.text, data);
    return {
      eval_time: "0m",
      alertname: `T${at}`,
      exp_alerts: [{ exp_labels: labels, exp_annotations: { out } }],
    };
  });
  const test = {
    rule_files: ["rules.yml"],
    tests: [
      {
        interval: "1m",
        input_series: series,
        alert_rule_test: expected,
        external_labels: { cluster: "prod" },
      },
    ],
  };
  const run = await runPromtool({ "rules.yml": rules, "test.yml": test }, ["test", "rules", "test.yml"]);
  expect(differences(run.output, texts)).toEqual([]);
  expect(run.output).toContain("SUCCESS");
}

function differences(output: string, texts: readonly Case[]): unknown[] {
  const pattern =
    /alertname="T(\d+)".*\n\s*Annotations:\{out=(".*")\}\n.*\n\s+got:.*\n.*\n.*\n\s*Annotations:\{out=(".*")\}/g;
  return [...output.matchAll(pattern)].map(([, at, ours, theirs]) => ({
    ...texts[Number(at)],
    ours,
    theirs,
  }));
}

describe("annotation templates, beside promtool", () => {
  it("are written exactly as Prometheus writes them", async () => {
    await compareWithPromtool(cases);
  });

  it("print any number as Go prints it", async () => {
    const any = fc.oneof(
      fc.double(),
      fc.double({ min: -1e6, max: 1e6 }),
      fc.integer({ min: -1e7, max: 1e7 }).map((n) => n / 1000),
      fc.integer({ min: 0, max: 4000 }).map((n) => n / 8),
    );
    const texts = [
      "{{ humanize $value }} {{ humanize1024 $value }} {{ humanizePercentage $value }} {{ $value }}",
      '{{ printf "%.2f %f %e %.3g %g %5.1f %.0f %+08.1f|%-12.4e|%x" $value $value $value $value $value $value $value $value $value $value }}',
    ];
    const random = fc
      .sample(any, { numRuns: 400, seed: 7 })
      .flatMap((value) => over([value], texts.join(" ")));
    const durations = fc
      .sample(fc.double({ min: -9e15, max: 9e15, noNaN: true }), { numRuns: 200, seed: 8 })
      .flatMap((value) => over([value, value / 1e8, value / 1e14], "{{ humanizeDuration $value }}"));
    const times = fc
      .sample(fc.double({ min: -9.2e9, max: 9.2e9, noNaN: true }), { numRuns: 200, seed: 9 })
      .flatMap((value) => over([value], "{{ humanizeTimestamp $value }}"));
    await compareWithPromtool([...random, ...durations, ...times]);
  });

  it("say that they failed where Prometheus says so", async () => {
    const texts = executionErrors.map((text) => ({ text }));
    const { rules, series } = alerting(texts);
    const alert_rule_test = texts.map((_, at) => ({ eval_time: "0m", alertname: `T${at}`, exp_alerts: [] }));
    const test = {
      rule_files: ["rules.yml"],
      tests: [{ interval: "1m", input_series: series, alert_rule_test }],
    };
    const run = await runPromtool({ "rules.yml": rules, "test.yml": test }, ["test", "rules", "test.yml"]);
    const failed = [...run.output.matchAll(/alertname="T(\d+)".*\n.*out="<error expanding template/g)].map(
      (match) => executionErrors[Number(match[1])],
    );
    expect(failed.toSorted()).toEqual(executionErrors.toSorted());
    for (const text of executionErrors) {
      expect(checkTemplate(text)).toBeNull();
      expect(renderTemplate(text, { labels: {}, value: 1 })).toMatch(/^<error expanding template: /);
    }
  });

  it("are refused where promtool check rules refuses them", async () => {
    const names = parseErrors.map((_, at) => `rules-${at}.yml`);
    const files = Object.fromEntries(parseErrors.map((text, at) => [names[at], alerting([{ text }]).rules]));
    const run = await runPromtool(files, ["check", "rules", ...names]);
    const refused = [...run.output.matchAll(/^rules-(\d+)\.yml: group/gm)].map(
      (match) => parseErrors[Number(match[1])],
    );
    expect(refused.toSorted()).toEqual(parseErrors.toSorted());
    expect(parseErrors.filter((text) => checkTemplate(text) === null)).toEqual([]);
    expect(cases.map(({ text }) => checkTemplate(text)).filter((fault) => fault !== null)).toEqual([]);
  });
});
