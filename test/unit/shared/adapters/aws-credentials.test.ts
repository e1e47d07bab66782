import { describe, expect, it } from "vitest";
import { type AwsCredentials, keepUntilExpiry } from "../../../../shared/adapters/aws-credentials.ts";

const minute = 60_000;

function setup(lifetime: number | undefined) {
  const world = { clock: 0, calls: 0, broken: false };
  const provider = async (): Promise<AwsCredentials> => {
    world.calls += 1;
    if (world.broken) throw new Error("no STS");
    const expiration = lifetime === undefined ? {} : { expiration: new Date(world.clock + lifetime) };
    return { accessKeyId: `key-${world.calls}`, secretAccessKey: "s", ...expiration };
  };
  return { world, get: keepUntilExpiry(provider, () => world.clock) };
}

describe("credentials", () => {
  it("are asked for once by many at the same time", async () => {
    const { world, get } = setup(60 * minute);
    await Promise.all(Array.from({ length: 10 }, get));
    await get();
    expect(world.calls).toBe(1);
  });

  it("are renewed five minutes before they expire", async () => {
    const { world, get } = setup(60 * minute);
    await get();
    world.clock = 55 * minute - 1;
    expect((await get()).accessKeyId).toBe("key-1");
    world.clock = 55 * minute;
    expect((await get()).accessKeyId).toBe("key-2");
  });

  it("without an expiry are kept", async () => {
    const { world, get } = setup(undefined);
    await get();
    world.clock = 1e12;
    await get();
    expect(world.calls).toBe(1);
  });

  it("still serve while a renewal fails, until they expire", async () => {
    const { world, get } = setup(60 * minute);
    await get();
    world.broken = true;
    world.clock = 58 * minute;
    expect((await get()).accessKeyId).toBe("key-1");
    world.clock = 60 * minute;
    await expect(get()).rejects.toThrow("no STS");
  });

  it("are asked for again after a failure", async () => {
    const { world, get } = setup(60 * minute);
    world.broken = true;
    await expect(get()).rejects.toThrow("no STS");
    world.broken = false;
    expect((await get()).accessKeyId).toBe("key-2");
  });
});
