import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

import { Retryable } from "../domain/errors.ts";
import type { CreateObject, Store, StoredObject, WriteCondition, WriteResult } from "../domain/store.ts";
import { codeOf } from "./http-fault.ts";

/** How often a write is tried again while S3 answers that it raced with another request. */
const conflictTries = 3;

/**
 * The store port over one S3 bucket, by conditional writes. Throws Retryable for what passes by itself. Needs
 * s3:GetObject and s3:PutObject on the keys and s3:ListBucket on the bucket, without which a missing object reads
 * as forbidden.
 */
export function buildS3Store(client: Pick<S3Client, "send">, bucket: string): Store {
  const read = async (key: string): Promise<StoredObject | null> => {
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (!answer.Body || !answer.ETag)
        throw new Error(`s3://${bucket}/${key} came back without a body or an ETag`);
      return { body: await answer.Body.transformToString("utf8"), etag: answer.ETag };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw explain(error, "s3:GetObject", bucket, key);
    }
  };

  const put = buildPut(client, bucket);
  const write = async (key: string, body: string, condition: WriteCondition): Promise<WriteResult> => {
    const result = await put(key, body, condition);
    if (result !== "raced" && result !== "conflict") return result;
    // The SDK may have sent the write twice: then the object that is in the way is our own.
    const current = await read(key);
    return current?.body === body ? { etag: current.etag } : "conflict";
  };

  const list = async (prefix: string): Promise<readonly string[]> => {
    const keys: string[] = [];
    let next: string | undefined;
    do {
      const page = {
        Bucket: bucket,
        Prefix: prefix,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      };
      const { Contents = [], NextContinuationToken } = await client
        .send(new ListObjectsV2Command(page))
        .catch((error: unknown) => {
          throw explain(error, "s3:ListBucket", bucket, prefix);
        });
      keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
      next = NextContinuationToken;
    } while (next !== undefined);
    return keys;
  };
  return { read, write, list };
}

/** The store over a bucket by its name, with the credentials and the region of the environment. */
export function openBucket(bucket: string): Store {
  return buildS3Store(new S3Client({}), bucket);
}

/**
 * Creates objects in one S3 bucket, by a role that needs nothing but s3:PutObject: one that may not read cannot
 * tell its own lost write from another's, and takes both for what is there already.
 */
export function buildS3Create(client: Pick<S3Client, "send">, bucket: string): CreateObject {
  const put = buildPut(client, bucket);
  return async (key, body) => {
    const result = await put(key, body, { ifNoneMatch: "*" });
    if (result === "raced") throw new Retryable(`s3://${bucket}/${key} is being written by another request`);
    return result === "conflict" ? "exists" : "created";
  };
}

type Put = (key: string, body: string, condition: WriteCondition) => Promise<WriteResult | "raced">;

/** A conditional write; `raced` where S3 would not decide, several times over. */
function buildPut(client: Pick<S3Client, "send">, bucket: string): Put {
  const put: Put = async (key, body, condition) => {
    const match =
      "ifMatch" in condition ? { IfMatch: condition.ifMatch } : { IfNoneMatch: condition.ifNoneMatch };
    try {
      const answer = await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          ContentType: "application/json",
          ...match,
        }),
      );
      if (!answer.ETag) throw new Error(`s3://${bucket}/${key} was written, but S3 gave no ETag`);
      return { etag: answer.ETag };
    } catch (error) {
      const status = statusOf(error);
      if (status === 409) return "raced";
      // If-Match on an object that is gone is a 404.
      if (status === 412 || (status === 404 && "ifMatch" in condition)) return "conflict";
      throw explain(error, "s3:PutObject", bucket, key);
    }
  };
  return async (key, body, condition) => {
    let result = await put(key, body, condition);
    for (let tries = 1; result === "raced" && tries < conflictTries; tries++)
      result = await put(key, body, condition);
    return result;
  };
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== "object" || metadata === null || !("httpStatusCode" in metadata)) return undefined;
  return typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

/** Worth another try later: no whole answer, throttled, or trouble of S3's own. */
function passes(status: number | undefined, error: unknown): boolean {
  if (status !== undefined) return status >= 500 || status === 429;
  return /^E(?!RR_)[A-Z_]+$/.test(codeOf(error));
}

function explain(error: unknown, action: string, bucket: string, key: string): Error {
  const status = statusOf(error);
  const place = `s3://${bucket}/${key}`;
  if (status === 403)
    return new Error(
      `access to ${place} was refused: the function's role needs ${action} there and s3:ListBucket on the bucket`,
      { cause: error },
    );
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const text = `${action} on ${place} failed: ${what}`;
  return passes(status, error) ? new Retryable(text, { cause: error }) : new Error(text, { cause: error });
}
