import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { buildSend, type HttpRequest, type SendOptions } from "../../shared/adapters/http.ts";
import { HttpFault } from "../../shared/adapters/http-fault.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type Loopback, serveHttp, serveNobody, serveTcp } from "../support/loopback.ts";

const running: Loopback[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ stop }) => stop()));
});

async function http(answer: RequestListener): Promise<string> {
  const server = await serveHttp(answer);
  running.push(server);
  return `http://127.0.0.1:${server.port}/secret-path?secret=query`;
}

async function tcp(greet: (socket: Socket) => void, scheme = "http"): Promise<string> {
  const server = await serveTcp(greet);
  running.push(server);
  return `${scheme}://127.0.0.1:${server.port}/secret-path?secret=query`;
}

function send(url: string, request: Partial<HttpRequest> = {}, options: Partial<SendOptions> = {}) {
  const post = { method: "POST", url, headers: {}, body: "a=1", timeoutMs: 5_000, ...request } as const;
  return buildSend({ auth: { kind: "none" }, now: () => Date.now(), ...options })(post);
}

const fault = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof HttpFault ? error : undefined),
  );

describe("an exchange", () => {
  it("brings method, headers and body over, and status, headers and text back", async () => {
    const url = await http(async (request, response) => {
      const body = await text(request);
      const { "content-type": type, "content-length": length, "user-agent": agent } = request.headers;
      response
        .writeHead(418, { "X-Kettle": "on" })
        .end(`${request.method} ${type} ${length} ${agent} ${body} é`);
    });
    const answer = await send(url, { headers: { "content-type": "text/plain" }, body: "häh" });
    expect(answer).toMatchObject({ status: 418, body: "POST text/plain 4 sonde häh é" });
    expect(answer.headers["x-kettle"]).toBe("on");
  });

  it("sends a body's bytes as they are", async () => {
    const url = await http((request, response) => {
      request.setEncoding("hex");
      text(request).then((body) => response.end(body));
    });
    expect((await send(url, { body: Uint8Array.of(0, 255, 128) })).body).toBe("00ff80");
  });

  it("keeps connections, and uses them again", async () => {
    const ports = new Set<number | undefined>();
    const url = await http((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    const sender = buildSend({ auth: { kind: "none" }, now: () => Date.now() });
    for (let i = 0; i < 5; i += 1) await sender({ method: "GET", url, headers: {}, timeoutMs: 5_000 });
    expect(ports.size).toBe(1);
  });

  it("does not follow redirects, which would carry credentials elsewhere", async () => {
    const url = await http((_, response) =>
      response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    );
    expect(await send(url)).toMatchObject({ status: 302, headers: { location: "http://127.0.0.1:1/" } });
  });

  it("unpacks gzip", async () => {
    const url = await http((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("unpacked")),
    );
    expect((await send(url)).body).toBe("unpacked");
  });

  it("reads a body up to the limit, and no byte more", async () => {
    const url = await http((_, response) => response.end("x".repeat(1_000)));
    expect((await send(url, { maxBytes: 1_000 })).body).toHaveLength(1_000);
    expect(await fault(send(url, { maxBytes: 999 }))).toMatchObject({ kind: "too-large" });
  });

  it("holds the limit against a small answer that unpacks to a large one", async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const url = await http((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    expect(await fault(send(url, { maxBytes: 1_000_000 }))).toMatchObject({ kind: "too-large" });
  });

  it("may take longer than its connection may", async () => {
    const url = await http((_, response) => void setTimeout(() => response.end("late"), 150));
    expect((await send(url, {}, { connectTimeoutMs: 50 })).body).toBe("late");
  });

  it("stops reading an answer without end", async () => {
    let closed = false;
    const url = await http((_, response) => {
      const timer = setInterval(() => response.write("x".repeat(65_536)), 1);
      response.on("close", () => {
        clearInterval(timer);
        closed = true;
      });
    });
    expect(await fault(send(url, { maxBytes: 200_000 }))).toMatchObject({ kind: "too-large" });
    await expect.poll(() => closed).toBe(true);
  });
});

describe("authorisation", () => {
  const echo: RequestListener = (request, response) => {
    response.statusCode = Number(request.headers["x-status"] ?? 200);
    response.end(String(request.headers.authorization));
  };

  it.each([
    [{ kind: "none" }, "undefined"],
    [
      { kind: "basic", user: "sonde", password: "pä:ss" },
      `Basic ${Buffer.from("sonde:pä:ss").toString("base64")}`,
    ],
    [{ kind: "bearer", token: "t0ken\n" }, "Bearer t0ken"],
  ] as const)("of %o is %s", async (auth, header) => {
    expect((await send(await http(echo), {}, { auth })).body).toBe(header);
  });

  it("by SigV4 signs the host that is connected to", async () => {
    const credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: "s", sessionToken: "t" });
    const auth = { kind: "sigv4", region: "eu-west-1", service: "aps", credentials } as const;
    const { body } = await send(await http(echo), {}, { auth });
    expect(body).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/aps\/aws4_request, SignedHeaders=host;/,
    );
  });

  it("is not shown by a server that repeats it in an error", async () => {
    const url = await http(echo);
    const failing = { headers: { "x-status": "500" } };
    const sessionToken = "hunter2hunter2";
    const credentials = async () => ({ accessKeyId: "AKID", secretAccessKey: "s", sessionToken });
    const basic = { kind: "basic", user: "sonde", password: "hunter2" } as const;
    const sigv4 = { kind: "sigv4", region: "r", service: "aps", credentials } as const;
    expect((await send(url, failing, { auth: basic })).body).toBe("Basic [redacted]");
    expect((await send(url, failing, { auth: { kind: "bearer", token: "hunter2" } })).body).toBe(
      "Bearer [redacted]",
    );
    expect((await send(url, failing, { auth: sigv4 })).body).toMatch(/Signature=\[redacted\]$/);
  });

  it("reads a stored secret again for each request, and says why it could not", async () => {
    const tokens = ["old", "new"];
    const read = async () => {
      const token = tokens.shift();
      if (!token) throw new Error("the secret is gone");
      return { kind: "bearer", token } as const;
    };
    const url = await http(echo);
    const sender = buildSend({ auth: { kind: "stored", read }, now: Date.now });
    const ask = () => sender({ method: "GET", url, headers: {}, timeoutMs: 5_000 });
    expect([(await ask()).body, (await ask()).body]).toEqual(["Bearer old", "Bearer new"]);
    expect(await fault(ask())).toMatchObject({ kind: "credentials", what: "the secret is gone" });
    tokens.push("again");
    expect((await ask()).body).toBe("Bearer again");
  });

  it("without credentials is a fault that says what to do", async () => {
    const credentials = () => Promise.reject(new Error("Could not load credentials\nat …"));
    const auth = { kind: "sigv4", region: "r", service: "aps", credentials } as const;
    expect(await fault(send(await http(echo), {}, { auth }))).toMatchObject({
      kind: "credentials",
      message: expect.stringMatching(
        /could not be signed: Could not load credentials; check the AWS credentials/,
      ),
    });
  });

  it("that takes for ever ends with the timeout", async () => {
    const auth = {
      kind: "sigv4",
      region: "r",
      service: "aps",
      credentials: () => new Promise<never>(() => {}),
    } as const;
    const error = await fault(send(await http(echo), { timeoutMs: 50 }, { auth }));
    expect(error).toMatchObject({ kind: "credentials", message: expect.stringContaining("within 0.05 s") });
  });

  it("with a character that no header may hold is a fault that does not show it", async () => {
    const auth = { kind: "bearer", token: "hunter2\u{1f525}" } as const;
    const error = await fault(send(await http(echo), {}, { auth }));
    expect(error).toMatchObject({ kind: "credentials" });
    expect(`${error?.stack} ${error?.cause}`).not.toContain("hunter2");
  });
});

describe("a fault", () => {
  it.each([
    ["a reset", (socket: Socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["a connection that closes at once", (socket: Socket) => socket.end()],
    [
      "an answer that is cut off",
      (socket: Socket) =>
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort")),
    ],
  ])("of %s is transient", async (_, greet) => {
    const error = await fault(send(await tcp(greet)));
    expect(error).toMatchObject({ kind: "reset", transient: true });
  });

  it("of a server that hangs is a timeout", async () => {
    const error = await fault(send(await tcp(() => {}), { timeoutMs: 100 }));
    expect(error).toMatchObject({ kind: "timeout", message: expect.stringContaining("within 0.1 s") });
  });

  it("of a server that starts to answer and hangs is a timeout", async () => {
    const url = await http((_, response) => response.write("x"));
    expect(await fault(send(url, { timeoutMs: 100 }))).toMatchObject({ kind: "timeout" });
  });

  it("of a handshake that is never made is unreachable, long before the timeout, and not for want of a route", async () => {
    const url = await tcp(() => {}, "https");
    const error = await fault(send(url, { timeoutMs: 60_000 }, { connectTimeoutMs: 50 }));
    expect(error).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("no TLS handshake"),
      reach: null,
    });
  });

  it("of a host that drops what comes is silent, at the address that its name has", async () => {
    const full = await serveNobody();
    running.push(full);
    const error = await fault(
      send(`http://localhost:${full.port}`, { timeoutMs: 60_000 }, { connectTimeoutMs: 300 }),
    );
    expect(error).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("security groups"),
      reach: { stage: "silent", host: "localhost", address: "127.0.0.1" },
    });
  });

  it("of a name that no name server answers for says so, and not that the server is silent", async () => {
    // The threads that look names up wait for a writer: no answer comes.
    const folder = mkdtempSync(join(tmpdir(), "sonde-fifo-"));
    const fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
    const readers = Array.from({ length: 8 }, () => open(fifo));
    const error = await fault(send("http://localhost:9", { timeoutMs: 60_000 }, { connectTimeoutMs: 50 }));
    const writer = openSync(fifo, "r+");
    for (const reader of await Promise.all(readers)) await reader.close();
    closeSync(writer);
    rmSync(folder, { recursive: true });
    expect(error).toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("no answer from the name server"),
      reach: { stage: "no-name-server", host: "localhost", address: null },
    });
  });

  it("of a closed port is unreachable", async () => {
    const { port, stop } = await serveTcp(() => {});
    await stop();
    expect(await fault(send(`http://127.0.0.1:${port}`))).toMatchObject({
      kind: "unreachable",
      reach: { stage: "refused", host: "127.0.0.1", address: "127.0.0.1" },
    });
  });

  it("of a server that speaks TLS to plain HTTP is a mismatch", async () => {
    const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 70]);
    const url = await tcp((socket) => socket.once("data", () => socket.end(alert)));
    expect(await fault(send(url))).toMatchObject({
      kind: "tls",
      message: expect.stringContaining("write https://"),
    });
  });

  it("of a server that speaks plain HTTP to TLS is a mismatch", async () => {
    const url = await tcp(
      (socket) => socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
      "https",
    );
    expect(await fault(send(url))).toMatchObject({
      kind: "tls",
      message: expect.stringContaining("write http://"),
    });
  });

  it("of a gzip that is broken is a bad answer", async () => {
    const url = await http((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip"),
    );
    expect(await fault(send(url))).toMatchObject({ kind: "bad-answer" });
  });

  it("shows neither path nor query string", async () => {
    const error = await fault(send(await tcp((socket) => socket.end())));
    expect(`${error?.stack} ${JSON.stringify(error)}`).not.toContain("secret");
  });

  it.each(["http://user:hunter2@127.0.0.1/", "hunter2", "file:///hunter2"])(
    "of the address %s does not show it",
    async (url) => {
      const error = await fault(send(url));
      expect(error).toMatchObject({ kind: "unreachable" });
      expect(`${error?.stack} ${error?.cause}`).not.toContain("hunter2");
    },
  );
});

describe("a certificate", () => {
  const serveTls = async (host: string, options = {}) => {
    const certificate = await makeCertificate([host], options);
    const server = await serveHttp((_, response) => response.end("ok"), certificate);
    running.push(server);
    return { url: `https://127.0.0.1:${server.port}`, ca: certificate.cert };
  };

  it("of one's own authority is trusted, also as one of several", async () => {
    const { url, ca } = await serveTls("127.0.0.1");
    const other = (await makeCertificate(["other"])).cert;
    expect((await send(url, {}, { ca: `${other}\n${ca}` })).body).toBe("ok");
  });

  it("for another host name is refused", async () => {
    const { url, ca } = await serveTls("other.example");
    expect(await fault(send(url, {}, { ca }))).toMatchObject({
      kind: "tls",
      what: expect.stringContaining("another host name"),
    });
  });

  it("that has expired is refused", async () => {
    const { url, ca } = await serveTls("127.0.0.1", { expired: true });
    expect(await fault(send(url, {}, { ca }))).toMatchObject({
      kind: "tls",
      what: expect.stringContaining("expired"),
    });
  });

  it("that is none is refused when the sender is built", () => {
    expect(() => buildSend({ auth: { kind: "none" }, now: () => 0, ca: "hunter2" })).toThrow(/PEM/);
  });
});
