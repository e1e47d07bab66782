import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { reachOf } from "../../../../../shared/domain/reach.ts";
import {
  explainReach,
  placeFindings,
  type ReachDiagnosis,
  reachDiagnoses,
  type Standing,
} from "../../../../../shared/domain/transactions/explain-reach.ts";
import type { Finding } from "../../../../../shared/domain/transactions/finding.ts";

const own = "of the service itself";

/** Node's code, the URL, the address that was tried, and what that means from the VPC, outside it, and from a desk. */
const cases: readonly (readonly [
  code: string,
  url: string,
  address: string | null,
  ...(ReachDiagnosis | typeof own)[],
])[] = [
  // A service that is down refuses, and this is told of itself wherever one stands in its network.
  ["ECONNREFUSED", "http://langfuse.example.com", "52.1.2.3", own, own, own],
  ["ECONNREFUSED", "http://langfuse.prod.internal", "10.0.3.4", own, "outside-vpc", own],
  ["ECONNREFUSED", "http://10.0.3.4:3000", null, own, "outside-vpc", own],
  ["ECONNREFUSED", "http://127.0.0.1:3000", null, own, own, own],
  ["ECONNRESET", "https://langfuse.example.com", "52.1.2.3", own, own, own],
  ["ECONNRESET", "https://langfuse.example.com", "10.0.3.4", own, "outside-vpc", own],
  // A name.
  ["ENOTFOUND", "https://langfuse.example.com", null, "not-in-zone", own, own],
  ["ENOTFOUND", "https://langfuse.prod.internal", null, "not-in-zone", "private-name", "not-in-network"],
  ["EAI_AGAIN", "https://langfuse.example.com", null, "no-dns-in-vpc", "no-dns", "no-dns"],
  ["EAI_AGAIN", "https://langfuse.prod.internal", null, "no-dns-in-vpc", "no-dns", "no-dns"],
  // An address from which nothing comes back.
  ["ETIMEDOUT", "https://langfuse.example.com", "52.1.2.3", "no-way-out", own, own],
  [
    "ETIMEDOUT",
    "https://langfuse.example.com",
    "10.0.3.4",
    "dropped-in-vpc",
    "outside-vpc",
    "not-in-network",
  ],
  ["ETIMEDOUT", "https://[fd00::1]:3000", null, "dropped-in-vpc", "outside-vpc", "not-in-network"],
  ["EHOSTUNREACH", "http://192.168.7.7", null, "dropped-in-vpc", "outside-vpc", "not-in-network"],
  [
    "ENETUNREACH",
    "http://langfuse.prod.internal",
    "10.0.3.4",
    "dropped-in-vpc",
    "outside-vpc",
    "not-in-network",
  ],
];
const standings: readonly Standing[] = ["vpc", "no-vpc", "workstation"];

describe("that no server answered", () => {
  it.each(
    cases.flatMap(([code, url, address, ...ids]) =>
      standings.map(
        (standing, index) => [code, url, address ?? "nothing", standing, ids[index] ?? own] as const,
      ),
    ),
  )("%s of %s at %s, from %s, is %s", (code, url, address, standing, id) => {
    const reach = reachOf(code, url, address === "nothing" ? null : address);
    const finding = reach && explainReach(reach, standing);
    expect(finding?.id ?? own).toBe(id);
  });

  it("has a case for each diagnosis, and one whose service is well is never told as failed", () => {
    const met = new Set(cases.flatMap(([, , , ...ids]) => ids.filter((id) => id !== own)));
    expect([...met].toSorted()).toEqual(Object.keys(reachDiagnoses).toSorted());
    for (const { verdict, cause } of Object.values(reachDiagnoses))
      if (/nothing is known|may be well/.test(cause)) expect(verdict).toBe("unknown");
      else expect(verdict).toBe("fail");
  });

  it("says which name and address it means", () => {
    const seen = (code: string, url: string, address: string | null) => {
      const reach = reachOf(code, url, address);
      return reach && explainReach(reach, "vpc")?.seen;
    };
    expect(seen("ETIMEDOUT", "https://langfuse.prod.internal/base", "10.0.3.4")).toBe(
      "langfuse.prod.internal is 10.0.3.4: no answer",
    );
    expect(seen("ETIMEDOUT", "http://10.0.3.4:3000", "10.0.3.4")).toBe("10.0.3.4: no answer");
    expect(seen("ENOTFOUND", "https://langfuse.prod.internal", null)).toBe(
      "langfuse.prod.internal: no such name",
    );
  });

  it("is nothing of the network where a server was there", () => {
    for (const code of ["", "CERT_HAS_EXPIRED", "HPE_INVALID_CONSTANT", "EPROTO"])
      expect(reachOf(code, "http://10.0.3.4", null)).toBeNull();
  });
});

describe("the findings of a run", () => {
  const refused: Finding = { id: "refused", verdict: "fail", cause: "down", fix: "start it", seen: "" };

  it("stay as they are where the network is not in question", () => {
    fc.assert(
      fc.property(fc.constantFrom(...standings), (standing) => {
        const reach = reachOf("ECONNREFUSED", "https://langfuse.example.com", "52.1.2.3");
        const findings = [refused, ...(reach ? [{ ...refused, reach }] : [])];
        expect(placeFindings(findings, standing)).toEqual(findings);
      }),
    );
  });

  it("read by where one stands where it is", () => {
    const reach = reachOf("ETIMEDOUT", "http://10.0.3.4", null);
    if (!reach) throw new Error("a timeout is a reach");
    const placed = (standing: Standing) => placeFindings([{ ...refused, reach }], standing);
    expect(placed("no-vpc")).toMatchObject([{ id: "outside-vpc", verdict: "unknown" }]);
    expect(placed("vpc")).toMatchObject([{ id: "dropped-in-vpc", verdict: "fail" }]);
  });
});
