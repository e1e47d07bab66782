import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ampRegion,
  baseUrl,
  encodeParams,
  instantCall,
  labelValuesCall,
  rangeCall,
  remoteWriteUrl,
  rulesCall,
  seriesCall,
} from "../../../../shared/adapters/prometheus-request.ts";

const amp = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1";

describe("the base address", () => {
  it.each([
    ["http://localhost:9090", "http://localhost:9090"],
    ["http://localhost:9090/", "http://localhost:9090"],
    ["http://localhost:9090/api/v1", "http://localhost:9090"],
    ["http://localhost:9090/prometheus//", "http://localhost:9090/prometheus"],
    ["https://host/prefix/api/v1/", "https://host/prefix"],
    [`${amp}/`, amp],
    [`${amp}/api/v1/query`, amp],
    [`${amp}/api/v1/remote_write`, amp],
    ["http://[::1]:9090/api/v1/query_range/", "http://[::1]:9090"],
    ["http://host/api/v1/api/v1", "http://host/api/v1"],
  ])("of %s is %s", (text, base) => {
    expect(baseUrl(text)).toBe(base);
  });

  it.each([
    ["localhost:9090", /http:\/\//],
    ["ftp://host", /http:\/\//],
    ["", /not a URL/],
    ["http://user:hunter2@host", /user or password/],
    ["http://host/?token=hunter2", /query string/],
  ])("refuses %j", (text, message) => {
    expect(() => baseUrl(text)).toThrow(message);
  });

  it("is refused without showing what may be a secret", () => {
    for (const text of ["http://user:hunter2@host", "http://host/?token=hunter2"]) {
      expect(() => baseUrl(text)).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining("hunter2") }),
      );
    }
  });

  it("tells AMP's region, through a VPC endpoint too", () => {
    expect(ampRegion(amp)).toBe("eu-west-1");
    expect(ampRegion("https://aps-workspaces-fips.us-gov-west-1.amazonaws.com/workspaces/ws-1")).toBe(
      "us-gov-west-1",
    );
    expect(ampRegion("https://vpce-1-x.aps-workspaces.us-east-1.vpce.amazonaws.com")).toBe("us-east-1");
    expect(ampRegion("http://localhost:9090")).toBeUndefined();
  });

  it("leads to where samples are written", () => {
    expect(remoteWriteUrl(`${amp}/`, true)).toBe(`${amp}/api/v1/remote_write`);
    expect(remoteWriteUrl("http://localhost:9090/api/v1/query", false)).toBe(
      "http://localhost:9090/api/v1/write",
    );
  });
});

describe("a call", () => {
  const plain = { amp: false, stats: false };
  const span = { start: 1_700_000_000_123, end: 1_700_000_060_000 };

  it("for a range carries decimal seconds", () => {
    expect(rangeCall({ query: "up", ...span, step: 500 }, plain).params).toEqual([
      ["query", "up"],
      ["start", "1700000000.123"],
      ["end", "1700000060"],
      ["step", "0.5"],
    ]);
  });

  it("carries the cost guard for AMP only, and asks for statistics when told", () => {
    const query = { query: "up", at: 0, maxSamples: 5_000 };
    const names = (flags: { amp: boolean; stats: boolean }) =>
      instantCall(query, flags).params.map(([name]) => name);
    expect(names(plain)).toEqual(["query", "time"]);
    expect(names({ amp: true, stats: true })).toEqual([
      "query",
      "time",
      "max_samples_processed_error_threshold",
      "stats",
    ]);
    expect(instantCall(query, { amp: true, stats: false }).params).toContainEqual([
      "max_samples_processed_error_threshold",
      "5000",
    ]);
  });

  it("for series repeats match[], and for label values escapes the label", () => {
    expect(seriesCall({ match: ["a", "b"], ...span }).params.slice(0, 2)).toEqual([
      ["match[]", "a"],
      ["match[]", "b"],
    ]);
    expect(labelValuesCall({ label: "a/b", match: [], ...span }).path).toBe("/api/v1/label/a%2Fb/values");
  });

  it("for rules asks for the page after the token", () => {
    expect(rulesCall("t").params).toEqual([
      ["group_limit", "1000"],
      ["group_next_token", "t"],
    ]);
  });

  it("names its IAM action, and whether AMP counts it among the ten a second", () => {
    const label = { label: "a", match: [], ...span };
    expect(
      [
        instantCall({ query: "", at: 0 }, plain),
        seriesCall(label),
        labelValuesCall(label),
        rulesCall(undefined),
      ].map(({ action, limited }) => [action, limited]),
    ).toEqual([
      ["aps:QueryMetrics", false],
      ["aps:GetSeries", true],
      ["aps:GetLabels", true],
      ["aps:ListRules", false],
    ]);
  });
});

describe("a form body", () => {
  it("holds nothing but unreserved characters and escapes", () => {
    expect(encodeParams([["q", "a b+c*'()!~é\n"]])).toBe("q=a%20b%2Bc%2A%27%28%29%21~%C3%A9%0A");
  });

  it("is read back as it was meant", () => {
    const text = fc.string({ unit: "grapheme" });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
        expect([...new URLSearchParams(encodeParams(pairs))]).toEqual(pairs);
      }),
    );
  });

  it("replaces half of a surrogate pair instead of failing", () => {
    expect(encodeParams([["q", "\ud800"]])).toBe("q=%EF%BF%BD");
  });
});
