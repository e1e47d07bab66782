import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { buildChangeIncidents } from "../../shared/adapters/change-incidents.ts";
import { buildDirectoryStore } from "../../shared/adapters/directory-store.ts";
import { runCli } from "../support/cli.ts";
import { anAlert, onePolicy, remember } from "../support/remembered.ts";

const minute = 60_000;
const t0 = Date.UTC(2026, 2, 1, 3);
let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "sonde-status-"));
});
afterEach(() => rm(state, { recursive: true, force: true }));

const store = () => buildDirectoryStore(state, () => t0);
const hot = (gpu: string, at: number) =>
  anAlert({ alertname: "gpu-hot", severity: "critical", Hostname: "node-7", gpu }, at);

let nonces = 0;
function sonde(args: readonly string[], now = t0 + 2 * minute) {
  return runCli([...args, "--state", state], { now: () => now, nonce: () => `n${++nonces}` });
}

describe("sonde status", () => {
  it("shows what fires, since when, and where it is told", async () => {
    await remember(store(), [hot("1", t0), hot("2", t0)], t0);
    const { out, code } = await sonde(["status"]);
    expect(out.join("\n")).toMatch(
      /fail +gpu-hot fires \(and 1 more\)\n +for 3m · told in #llm-ops\n +gpu-hot-/,
    );
    expect(code).toBe(1);
  });

  it("tells an incident's life step by step", async () => {
    await remember(store(), [hot("1", t0)], t0);
    const [first = ""] = (await sonde(["status", "--json"])).out;
    const id: string = JSON.parse(first).incident;
    const change = buildChangeIncidents(store(), onePolicy, {
      nonce: () => `w${++nonces}`,
      pause: async () => undefined,
    });
    const by = { id: "U1", name: "kim" };
    await change("seoul", { kind: "acknowledge", incident: id, by, at: t0 + minute }, t0 + minute);
    const over = [
      anAlert({ alertname: "gpu-hot", Hostname: "node-7", gpu: "1" }, t0, { status: "resolved" }),
    ];
    await remember(store(), over, t0 + 2 * minute);
    const { out } = await sonde(["status", id]);
    expect(out.join("\n")).toMatch(/\+0s +fires\n.*\+1m +is acknowledged +kim\n.*\+2m +recovers/);
    expect(out.join("\n")).toContain("resolved 0s ago, lasted 3m");
  });

  it("prints one JSON object a line, the last one a summary", async () => {
    await remember(store(), [hot("1", t0)], t0);
    const { out } = await sonde(["status", "--json"]);
    expect(out.map((line) => JSON.parse(line))).toMatchObject([
      {
        target: "seoul",
        probe: "gpu-hot",
        status: "firing",
        level: "fail",
        since: "2026-03-01T02:59:00.000Z",
        members: [{ labels: { Hostname: "node-7", gpu: "1" } }],
        channels: ["#llm-ops"],
        history: [{ what: "firing" }],
      },
      { summary: { firing: 1, muted: 0, acknowledged: 0, silences: 0 } },
    ]);
  });

  it("is 0 where nothing fails, and leaves out what is over unless asked", async () => {
    await remember(store(), [hot("1", t0)], t0);
    await remember(store(), [{ ...hot("1", t0), status: "resolved" }], t0 + minute);
    const quiet = await sonde(["status"]);
    expect(quiet.code).toBe(0);
    expect(quiet.out.join("\n")).toContain("no incidents");
    expect((await sonde(["status", "--all"])).out.join("\n")).toContain("resolved 1m ago");
  });

  it("says in one line what to do where nothing is remembered, or a name is wrong", async () => {
    expect(await sonde(["status"])).toMatchObject({ code: 2, err: [expect.stringContaining("sonde watch")] });
    await remember(store(), [hot("1", t0)], t0);
    expect(await sonde(["status", "gpu-hat"])).toMatchObject({
      code: 2,
      err: [expect.stringMatching(/no incident "gpu-hat" is remembered; /)],
    });
    const wrong = await runCli(["status", "--state", "s3://Not_A_Bucket"]);
    expect(wrong).toMatchObject({ code: 2, err: [expect.stringContaining("StateBucketName")] });
  });
});

describe("sonde silence", () => {
  it("mutes what matches from the next round on, shows who and why, and can be ended", async () => {
    await remember(store(), [hot("1", t0)], t0);
    const made = await sonde([
      "silence",
      "Hostname=node-7",
      "--for",
      "2h",
      "--reason",
      "new fan",
      "--by",
      "kim",
    ]);
    expect(made.out[0]).toBe("silenced Hostname=node-7 until 2026-03-01T05:02:00.000Z");
    await remember(store(), [hot("1", t0)], t0 + 3 * minute);
    const shown = (await sonde(["status"], t0 + 4 * minute)).out.join("\n");
    expect(shown).toContain("silenced by kim: new fan for 1h58m");
    expect(shown).toMatch(/Hostname=node-7\n +by kim · new fan · ends in 1h58m · mutes 1 now/);
    expect((await sonde(["status"], t0 + 120 * minute)).out.join("\n")).toContain("ends in 2m, soon");
    const id = /--end (\S+)/.exec(made.out[1] ?? "")?.[1] ?? "";
    expect((await sonde(["silence", "--end", id])).out).toEqual([`ended ${id}`]);
    await remember(store(), [hot("1", t0)], t0 + 5 * minute);
    const after = JSON.parse((await sonde(["status", "--json"], t0 + 6 * minute)).out[0] ?? "{}");
    expect(after.history.map(({ what }: { what: string }) => what)).toEqual(["firing", "muted", "unmuted"]);
  });

  it("takes an incident by its id", async () => {
    await remember(store(), [hot("1", t0)], t0);
    const id: string = JSON.parse((await sonde(["status", "--json"])).out[0] ?? "{}").incident;
    const { out } = await sonde(["silence", id, "--for", "1h"]);
    expect(out[0]).toContain("Hostname=node-7 probe=gpu-hot target=seoul");
  });

  it.each([
    [["silence", "--for", "1h"], "say what to silence"],
    [["silence", "probe=x"], "say for how long"],
    [["silence", "probe=x", "--for", "soon"], "not a duration"],
    [["silence", "probe=x", "--for", "1y"], "90 days at most"],
    [["silence", "nonsense", "--for", "1h"], "neither a label"],
    [["silence", "probe=x", "y", "--for", "1h"], "not a label and its value"],
    [["silence", "--end", "cli-1"], 'no silence "cli-1" is open'],
  ])("refuses %j in one line", async (args, says) => {
    expect(await sonde(args)).toMatchObject({ code: 2, err: [expect.stringContaining(says)] });
  });
});
