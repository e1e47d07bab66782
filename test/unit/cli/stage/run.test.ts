import { expect, test } from "vitest";

import { run } from "../../../../cli/stage/run.ts";

const shell = (script: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  run("/bin/sh", ["-c", script], { timeoutMs: 10_000, ...options });

test("a command's output is its answer", async () => {
  await expect(shell("echo one; echo two >&2")).resolves.toBe("one\n");
});

test("a command that fails is told by the last thing it said", async () => {
  await expect(shell("echo first >&2; echo the reason >&2; exit 3")).rejects.toThrow("failed: the reason");
});

test("a command that is not there, and one that takes too long, are told apart", async () => {
  await expect(run("/nowhere/tool", ["do"], { timeoutMs: 1000 })).rejects.toThrow("tool do is not there");
  await expect(shell("echo still busy >&2; exec sleep 20", { timeoutMs: 300 })).rejects.toThrow(
    "did not end in time: still busy",
  );
});

test("an aborted command is gone when the call ends, with the reason of the abort", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 100);
  const running = shell("echo $$ >&2; exec sleep 20", { signal: controller.signal });
  await expect(running).rejects.toThrow("enough");
  await expect(shell("echo never", { signal: controller.signal })).rejects.toThrow("enough");
});
