import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { buildDirectoryStore } from "../../shared/adapters/directory-store.ts";
import { buildS3Store } from "../../shared/adapters/s3-store.ts";
import { Retryable } from "../../shared/domain/errors.ts";
import type { Store } from "../../shared/domain/store.ts";
import { type S3Server, startS3 } from "../support/s3-server.ts";

let s3: S3Server;
let directory: string;

beforeAll(async () => {
  s3 = await startS3();
  directory = await mkdtemp(join(tmpdir(), "sonde-store-"));
});
afterAll(async () => {
  await s3.stop();
  await rm(directory, { recursive: true, force: true });
});

function buildClient(): S3Client {
  return new S3Client({
    endpoint: s3.url,
    region: "us-east-1",
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
    maxAttempts: 2,
  });
}

const stores: readonly (readonly [string, () => Store])[] = [
  ["S3", () => buildS3Store(buildClient(), "state")],
  ["a directory", () => buildDirectoryStore(directory, Date.now)],
];

describe.each(stores)("the store over %s", (_, build) => {
  it("reads null where there is nothing, and what was written where there is", async () => {
    const store = build();
    expect(await store.read("targets/a b%.json")).toBeNull();
    const written = await store.write("targets/a b%.json", '{"é":1}', { ifNoneMatch: "*" });
    expect(await store.read("targets/a b%.json")).toEqual({
      body: '{"é":1}',
      ...(written === "conflict" ? {} : written),
    });
  });

  it("creates once, and changes only what was read", async () => {
    const store = build();
    const first = await store.write("k", "1", { ifNoneMatch: "*" });
    expect(await store.write("k", "2", { ifNoneMatch: "*" })).toBe("conflict");
    if (first === "conflict") throw new Error("the first write lost");
    expect(await store.write("k", "3", { ifMatch: first.etag })).not.toBe("conflict");
    expect(await store.write("k", "4", { ifMatch: first.etag })).toBe("conflict");
    expect((await store.read("k"))?.body).toBe("3");
    expect(await store.write("nowhere", "5", { ifMatch: first.etag })).toBe("conflict");
  });

  it("lets one of many writers win", async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (__, index) => build().write("race", String(index), { ifNoneMatch: "*" })),
    );
    expect(results.filter((result) => result !== "conflict")).toHaveLength(1);
  });
});

describe.each(stores)("a list of the store over %s", (_, build) => {
  it("has every key that begins so, in order, over any number of pages", async () => {
    const store = build();
    const keys = ["days/2/a.json", "days/1/e&<.json", "days/1/d.json", "days/1/c/b.json", "days/10/a.json"];
    for (const key of [...keys, "other/1.json"]) await store.write(key, "{}", { ifNoneMatch: "*" });
    expect(await store.list("days/1/")).toEqual(["days/1/c/b.json", "days/1/d.json", "days/1/e&<.json"]);
    expect(await store.list("days/1")).toHaveLength(4);
    expect(await store.list("days/")).toEqual([...keys].sort());
  });

  it("is empty where there is nothing", async () => {
    expect(await build().list("nothing/here/")).toEqual([]);
  });
});

describe("the S3 store", () => {
  it("knows its own write again when the answer was lost and the repeat met a 412", async () => {
    s3.faults.push("lose-answer");
    const written = await buildS3Store(buildClient(), "state").write("lost", '{"writer":"me"}', {
      ifNoneMatch: "*",
    });
    expect(written).toEqual({ etag: s3.objects.get("/state/lost")?.etag });
  });

  it("tries again while S3 says that it raced", async () => {
    s3.faults.push({ status: 409, code: "ConditionalRequestConflict" });
    expect(await buildS3Store(buildClient(), "state").write("raced", "1", { ifNoneMatch: "*" })).not.toBe(
      "conflict",
    );
  });

  it.each([
    { what: "throttled", status: 503, code: "SlowDown" },
    { what: "in trouble of its own", status: 500, code: "InternalError" },
  ])("is worth another try later while S3 is $what", async ({ status, code }) => {
    s3.faults.push({ status, code }, { status, code });
    const write = buildS3Store(buildClient(), "state").write("later", "1", { ifNoneMatch: "*" });
    await expect(write).rejects.toThrow(Retryable);
    await expect(write).rejects.toThrow(`s3:PutObject on s3://state/later failed: ${code}`);
  });

  it("is not worth another try where S3 understands and refuses", async () => {
    s3.faults.push({ status: 400, code: "InvalidRequest" });
    const write = buildS3Store(buildClient(), "state").write("never", "1", { ifNoneMatch: "*" });
    await expect(write).rejects.not.toThrow(Retryable);
  });

  it("names the permission that is missing", async () => {
    s3.faults.push({ status: 403, code: "AccessDenied" });
    await expect(
      buildS3Store(buildClient(), "state").write("denied", "1", { ifNoneMatch: "*" }),
    ).rejects.toThrow("access to s3://state/denied was refused: the function's role needs s3:PutObject");
  });
});

describe("the directory store", () => {
  it("breaks a lock that a dead process left", async () => {
    await writeFile(join(directory, "locked.lock"), "");
    const later = buildDirectoryStore(directory, () => Date.now() + 60_000);
    expect(await later.write("locked", "1", { ifNoneMatch: "*" })).not.toBe("conflict");
  });
});
