import { describe, expect, it } from "vitest";
import { findingOf, HttpFault, type HttpFaultKind } from "../../../../shared/adapters/http-fault.ts";

const nodeError = (code: string, message = code) => Object.assign(new Error(message), { code });
const openssl = (reason: string) =>
  nodeError("EPROTO", `write EPROTO 40BD:error:0A00010B:SSL routines:f:${reason}:../ssl/record.c:354:`);

describe("a network error", () => {
  it.each<[Error, HttpFaultKind, RegExp, boolean]>([
    [nodeError("ECONNREFUSED"), "unreachable", /refused.*ECONNREFUSED/, true],
    [nodeError("ENOTFOUND"), "unreachable", /does not resolve/, false],
    [nodeError("EAI_AGAIN"), "unreachable", /name server/, true],
    [nodeError("ETIMEDOUT"), "unreachable", /connection attempt/, false],
    [nodeError("EHOSTUNREACH"), "unreachable", /no route/, false],
    [nodeError("ECONNRESET", "socket hang up"), "reset", /closed the connection/, true],
    [nodeError("EPIPE"), "reset", /closed the connection/, true],
    [openssl("wrong version number"), "tls", /speaks plain HTTP, the address says https/, false],
    [nodeError("ERR_SSL_WRONG_VERSION_NUMBER"), "tls", /speaks plain HTTP/, false],
    [nodeError("ERR_SSL_PACKET_LENGTH_TOO_LONG"), "tls", /speaks plain HTTP/, false],
    [openssl("sslv3 alert handshake failure"), "tls", /handshake failed/, false],
    [nodeError("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"), "tls", /client certificate/, false],
    [nodeError("HPE_INVALID_CONSTANT"), "tls", /not HTTP/, false],
    [nodeError("HPE_HEADER_OVERFLOW"), "bad-answer", /breaks the HTTP protocol/, false],
    [nodeError("DEPTH_ZERO_SELF_SIGNED_CERT"), "tls", /known authority/, false],
    [nodeError("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "tls", /known authority/, false],
    [nodeError("CERT_HAS_EXPIRED"), "tls", /expired/, false],
    [nodeError("CERT_NOT_YET_VALID"), "tls", /not valid yet/, false],
    [nodeError("CERT_REVOKED"), "tls", /handshake failed/, false],
    [nodeError("ERR_TLS_CERT_ALTNAME_INVALID"), "tls", /another host name/, false],
    [nodeError("EMFILE"), "unreachable", /EMFILE/, false],
    [new Error("odd"), "unreachable", /no code/, false],
  ])("%s is %s", (error, kind, what, transient) => {
    const finding = findingOf(error, "https:");
    expect(finding).toMatchObject({ kind, what: expect.stringMatching(what) });
    expect(finding.transient ?? false).toBe(transient);
  });

  it("of several addresses is named by the first", () => {
    const both = new AggregateError([nodeError("ECONNREFUSED"), nodeError("ENETUNREACH")]);
    expect(findingOf(both, "http:").what).toContain("ECONNREFUSED");
  });

  it("that cuts a plain connection may mean that the server speaks TLS", () => {
    expect(findingOf(nodeError("ECONNRESET"), "http:").next).toContain("write https://");
    expect(findingOf(nodeError("ECONNRESET"), "https:").next).not.toContain("write https://");
  });
});

it("a fault's message says where, what and what next", () => {
  const fault = new HttpFault("https://host", findingOf(nodeError("ENOTFOUND"), "https:"));
  expect(fault.message).toMatch(
    /^https:\/\/host: the host name does not resolve \(ENOTFOUND\); check the name/,
  );
});
