import { describe, expect, it } from "vitest";

import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { fails, hour, minute, openDesk, warns } from "../../../../support/incident-desk.ts";

const hot = fails("hot", { gpu: "0" });
const warm = warns("hot", { gpu: "0" });

function desk(change: Partial<IncidentPolicy> = {}) {
  const opened = openDesk({
    policy: aPolicy({ routes: [aRoute("#ops")], ...change }),
    probes: [aProbe({ id: "hot" })],
  });
  /** Fails and is well in turn, so many minutes of each. */
  const flap = (times: number, seen = [hot], each = 1) => {
    for (let time = 0; time < times; time++) {
      opened.rounds(each, seen);
      opened.rounds(each);
    }
  };
  return { ...opened, flap };
}

describe("flapping", () => {
  it("is what changed six times within an hour between well and failing", () => {
    const { flap, open, told, story } = desk();
    flap(3);
    expect(open("hot")).toMatchObject({ status: "flapping" });
    expect(story("hot")).toEqual([
      "firing",
      "recovered",
      "fired-again",
      "recovered",
      "fired-again",
      "flapping",
    ]);
    expect(told()).toEqual(["1 #ops hot firing", "3 #ops hot fired-again", "5 #ops hot fired-again"]);
  });

  it("is not what changed as often in a longer time", () => {
    const { flap, incidents, told } = desk();
    flap(5, [hot], 12);
    expect(incidents().map(({ status }) => status)).not.toContain("flapping");
    expect(told()).toHaveLength(5);
  });

  it("takes up the last incident, however long ago it ended, when the one change too many is a failure", () => {
    const flapping = { changes: 5, within: hour, calmAfter: 15 * minute };
    const { flap, round, incidents, told } = desk({ flapping });
    flap(2, [hot], 7);
    round([hot]);
    expect(incidents().map(({ status }) => status)).toEqual(["resolved", "flapping"]);
    expect(told()).toEqual(["1 #ops hot firing", "15 #ops hot firing"]);
  });

  it("says nothing while it goes on, not even repeats and who joins", () => {
    const { flap, rounds, told, story, open } = desk({ repeatInterval: 10 * minute });
    flap(3);
    const before = story("hot");
    for (let time = 0; time < 20; time++) {
      rounds(1, [hot, fails("hot", { gpu: String(time) })]);
      rounds(7);
    }
    expect(open("hot").status).toBe("flapping");
    expect(story("hot")).toEqual(before);
    expect(told(7)).toEqual([]);
  });

  it("ends well where nothing has failed for calmAfter", () => {
    const { flap, rounds, last, open } = desk();
    flap(3);
    rounds(14);
    expect(open("hot").status).toBe("flapping");
    rounds(1);
    expect(last("hot")).toMatchObject({ status: "resolved", resolution: "recovered" });
  });

  it("fires on, loudly, where it has failed all the time for calmAfter", () => {
    const { flap, rounds, told, open } = desk();
    flap(3);
    rounds(16, [hot]);
    expect(open("hot").status).toBe("firing");
    expect(told(7)).toEqual(["22 #ops hot calm"]);
  });

  it("once calm counts anew, so that what fails next is told", () => {
    const { flap, rounds, last, told } = desk();
    flap(3);
    rounds(15);
    expect(last("hot").status).toBe("resolved");
    rounds(6);
    rounds(1, [hot]);
    expect(last("hot").status).toBe("firing");
    expect(told(7)).toEqual(["28 #ops hot firing"]);
  });

  it("tells when it is graver than ever before, and once", () => {
    const { flap, rounds, told, open } = desk();
    flap(3, [warm]);
    rounds(1, [warm]);
    rounds(1, [hot]);
    rounds(1, [warm]);
    rounds(1);
    rounds(1, [hot]);
    expect(open("hot")).toMatchObject({ status: "flapping", level: "fail" });
    expect(told(7)).toEqual(["8 #ops hot escalated"]);
  });

  it("is shown as it is where nobody had been told, when a silence ends", () => {
    const { silence, flap, told, open } = desk();
    silence({ probe: "hot" }, 7 * minute);
    flap(3);
    expect(told()).toEqual([]);
    flap(1);
    expect(open("hot").status).toBe("flapping");
    expect(told()).toEqual(["7 #ops hot firing"]);
  });
});
