import { describe, expect, it } from "vitest";

import type { IncidentPolicy } from "../../../../../shared/domain/incident-policy.ts";
import { aPolicy, aProbe, aRoute } from "../../../../support/builders.ts";
import { anAlert, fails, hour, minute, noon, openDesk, pends } from "../../../../support/incident-desk.ts";

const watchdog = anAlert("Watchdog");
const hot = fails("hot", { gpu: "0" });

function desk(change: Partial<IncidentPolicy> = {}) {
  const opened = openDesk({
    policy: aPolicy({ routes: [aRoute("#ops")], ...change }),
    probes: [
      aProbe({ id: "hot", labels: { severity: "critical", team: "serving" } }),
      aProbe({ id: "slow" }),
    ],
  });
  /** The alert of the rule that asks what a probe asks, with what a rule adds. */
  const alert = (status: "firing" | "resolved", startsAt: number, gpu = "0") =>
    anAlert("hot", {
      status,
      labels: { gpu, severity: "critical", team: "serving", probe: "hot" },
      startsAt,
      endsAt: status === "resolved" ? opened.now() : null,
    });
  return { ...opened, alert };
}

describe("an alert that Alertmanager tells", () => {
  it("is an incident, and is over when that is told", () => {
    const { pass, alerts, told, last, tick } = desk();
    pass(minute);
    alerts([anAlert("DiskFull", { labels: { node: "n1", severity: "warning" }, startsAt: noon })]);
    expect(last("DiskFull")).toMatchObject({
      status: "firing",
      level: "warn",
      activeAt: noon,
      labels: { node: "n1", severity: "warning", probe: "DiskFull", target: "seoul" },
    });
    expect(told()).toEqual(["1 #ops DiskFull firing"]);
    pass(minute);
    tick();
    const labels = { node: "n1", severity: "warning" };
    alerts([anAlert("DiskFull", { status: "resolved", labels, endsAt: noon + minute })]);
    expect(last("DiskFull")).toMatchObject({ status: "resolved", resolution: "recovered" });
  });

  it("of what a probe sees fail is the same incident, whoever comes first", () => {
    const first = desk();
    first.round([hot]);
    first.alerts([first.alert("firing", noon)]);
    expect(first.told()).toEqual(["1 #ops hot firing"]);
    const second = desk();
    second.pass(30_000);
    second.alerts([second.alert("firing", noon)]);
    second.round([hot]);
    expect(second.told()).toEqual(["0.5 #ops hot firing"]);
    for (const { incidents } of [first, second])
      expect(incidents().map(({ members }) => Object.values(members))).toMatchObject([
        [{ byProbe: true, alertAt: expect.any(Number) }],
      ]);
  });

  it("of what a probe still waits for makes it fire", () => {
    const { round, alerts, alert, told } = desk();
    round([pends("hot", { gpu: "0" })]);
    alerts([alert("firing", noon)]);
    expect(told()).toEqual(["1 #ops hot firing"]);
    round([pends("hot", { gpu: "0" })]);
    expect(told()).toHaveLength(1);
  });

  it("resolved leaves what a probe still sees fail", () => {
    const { round, alerts, alert, last } = desk();
    round([hot]);
    alerts([alert("firing", noon)]);
    alerts([alert("resolved", noon)]);
    round([hot]);
    expect(last("hot").status).toBe("firing");
    round([]);
    expect(last("hot").status).toBe("resolved");
  });

  it("goes on being told for a while after a probe saw it over, and begins nothing anew", () => {
    const { round, rounds, alerts, alert, told, last } = desk();
    round([hot]);
    alerts([alert("firing", noon)]);
    rounds(10);
    alerts([alert("firing", noon)]);
    expect(last("hot").status).toBe("resolved");
    round([hot]);
    rounds(1);
    expect(told()).toEqual(["1 #ops hot firing", "12 #ops hot firing"]);
  });

  it("goes on being told of one member while others fail on, and does not bring it back", () => {
    const { round, alerts, alert, open } = desk();
    round([hot, fails("hot", { gpu: "1" })]);
    round([fails("hot", { gpu: "1" })]);
    alerts([alert("firing", noon), alert("firing", noon, "1")]);
    expect(Object.keys(open("hot").members)).toHaveLength(1);
  });

  it("that begins after it was over is told", () => {
    const { round, rounds, alerts, alert, told, now } = desk();
    round([hot]);
    rounds(10);
    alerts([alert("firing", now() + 1)]);
    expect(told()).toEqual(["1 #ops hot firing", "11 #ops hot firing"]);
  });

  it("stands until a probe of its name has seen that very series for itself", () => {
    const { pass, rounds, alerts, open } = desk();
    pass(minute);
    // Another label, as external labels add it.
    alerts([anAlert("hot", { labels: { gpu: "0", replica: "a" }, startsAt: noon })]);
    rounds(5, [fails("hot", { gpu: "1" })]);
    expect(Object.values(open("hot").members)).toHaveLength(2);
    alerts([anAlert("hot", { status: "resolved", labels: { gpu: "0", replica: "a" }, endsAt: noon })]);
    expect(Object.values(open("hot").members)).toHaveLength(1);
  });

  it("stands while the probe cannot tell", () => {
    const { pass, rounds, round, alerts, alert, open, last } = desk();
    pass(minute);
    alerts([alert("firing", noon)]);
    rounds(5, [], { down: ["hot"] });
    expect(open("hot").status).toBe("firing");
    round([{ ...hot, as: "ok" }]);
    expect(last("hot").status).toBe("resolved");
  });

  it("goes on where config no longer has the probe that told of it, too", () => {
    const { round, rounds, alerts, alert, configure, told, open, last } = desk();
    round([hot]);
    alerts([alert("firing", noon)]);
    configure({ probes: [aProbe({ id: "slow" })] });
    rounds(6);
    expect(last("hot")).toMatchObject({ status: "resolved", resolution: "gone" });
    alerts([alert("firing", noon)]);
    expect(open("hot").status).toBe("firing");
    expect(told(2)).toEqual(["7 #ops hot firing"]);
    alerts([alert("resolved", noon)]);
    expect(last("hot").status).toBe("resolved");
  });

  it("told twice by the same id changes nothing", () => {
    const { alerts, alert, state } = desk();
    alerts([alert("firing", noon)], "sns-1");
    const before = state();
    const { effects } = alerts([alert("resolved", noon)], "sns-1");
    expect(state()).toBe(before);
    expect(effects).toEqual([]);
  });

  it("that comes late, after newer word, changes nothing", () => {
    const { pass, alerts, alert, open, last } = desk();
    pass(10 * minute);
    alerts([alert("firing", noon + 8 * minute)], "new", noon + 9 * minute);
    alerts([{ ...alert("resolved", noon), endsAt: noon + 5 * minute }], "late", noon + 6 * minute);
    expect(open("hot").status).toBe("firing");
    const ended = { ...alert("resolved", noon), endsAt: noon + 10 * minute };
    alerts([ended], "end", noon + 10 * minute);
    alerts([alert("firing", noon + 8 * minute)], "old", noon + 9 * minute);
    expect(last("hot").status).toBe("resolved");
  });

  it("begins, ends and begins in the same moment without losing anything", () => {
    const { pass, alerts, alert, incidents, told } = desk({ groupInterval: 0 });
    pass(minute);
    alerts([alert("firing", noon)], "a");
    alerts([{ ...alert("resolved", noon), endsAt: noon + 1 }], "b");
    alerts([alert("firing", noon + 2)], "c");
    expect(incidents().map(({ status }) => status)).toEqual(["resolved", "firing"]);
    expect(told()).toHaveLength(2);
  });
});

describe("what only Alertmanager tells", () => {
  const disk = anAlert("DiskFull", { labels: { node: "n1" } });

  it("fires on, unseen, when Alertmanager no longer repeats it, and for a day at the most", () => {
    const { pass, alerts, rounds, open, last, story } = desk();
    pass(minute);
    alerts([disk]);
    rounds(14);
    expect(open("DiskFull")).toMatchObject({ blind: false });
    rounds(3);
    expect(open("DiskFull")).toMatchObject({ blind: true, status: "firing" });
    rounds(1);
    expect(story("DiskFull")).toEqual(["firing", "blind"]);
    alerts([disk]);
    expect(open("DiskFull")).toMatchObject({ blind: false });
    pass(24 * hour);
    rounds(1);
    expect(last("DiskFull")).toMatchObject({ status: "resolved", resolution: "gone" });
  });

  it("is told that it may no longer be: an Alertmanager heard once and silent now is an incident", () => {
    const { alerts, rounds, told, open, last } = desk();
    alerts([watchdog]);
    rounds(14);
    expect(told()).toEqual([]);
    rounds(1);
    expect(told()).toEqual(["15 #ops alertmanager firing"]);
    expect(open("alertmanager").level).toBe("fail");
    alerts([watchdog]);
    expect(last("alertmanager")).toMatchObject({ status: "resolved", resolution: "recovered" });
  });

  it("is not missed where no Alertmanager was ever heard, or one that sends no watchdog", () => {
    const { alerts, rounds, told } = desk();
    rounds(60);
    alerts([disk]);
    rounds(60);
    expect(told()).toEqual(["60 #ops DiskFull firing"]);
  });

  it("is missed, be a message of its old days still on its way", () => {
    const { alerts, rounds, open } = desk();
    alerts([watchdog]);
    rounds(20);
    alerts([watchdog], "late", noon + minute);
    expect(open("alertmanager").status).toBe("firing");
  });
});
