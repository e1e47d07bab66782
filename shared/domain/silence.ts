import * as z from "zod/mini";

import type { Labels } from "./series.ts";
import { parseVersioned } from "./versioned.ts";

const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));
const silenceSchema = z.object({
  id: text(200),
  /** All must match. One without any would silence everything. */
  matchers: z.array(z.object({ name: text(1_024), value: z.string() })).check(z.minLength(1)),
  /** Unix milliseconds: from the start on, and no longer at the end. */
  startsAt: z.number(),
  endsAt: z.number(),
  /** A person: in Slack the user's id and name, on the command line the name twice. */
  by: z.object({ id: text(200), name: text(200) }),
  reason: z.string().check(z.maxLength(1_000)),
  origin: z.enum(["slack", "cli"]),
});

/** Who asked to hear nothing of which incidents, for how long, and why. */
export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAt: number;
  readonly endsAt: number;
  readonly by: { readonly id: string; readonly name: string };
  readonly reason: string;
  readonly origin: "slack" | "cli";
}

/** A label and the value that it must have; an empty value is that of a label that is not there. */
export interface Matcher {
  readonly name: string;
  readonly value: string;
}

/** What a silence of a whole incident names: the labels that its group was made by, and its target. */
export function silencedLabels(target: string, groupedBy: Labels): Labels {
  return { ...groupedBy, target };
}

/** A silence of exactly what has these labels, whatever else it has. */
export function matchersOf(labels: Labels): Matcher[] {
  return Object.entries(labels)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function matchesSilence({ matchers }: Pick<Silence, "matchers">, labels: Labels): boolean {
  return matchers.every(({ name, value }) => (Object.hasOwn(labels, name) ? labels[name] : "") === value);
}

export function activeSilences(silences: readonly Silence[], now: number): readonly Silence[] {
  return silences.filter(({ startsAt, endsAt }) => startsAt <= now && now < endsAt);
}

/** Ended silences are shown this long. */
const keepEndedMs = 7 * 24 * 60 * 60_000;

/** The silences with one more, and without those that ended long ago. One that is there already stays as it is. */
export function addSilence(silences: readonly Silence[], silence: Silence, now: number): readonly Silence[] {
  if (silences.some(({ id }) => id === silence.id)) return silences;
  return [...pruneSilences(silences, now), silence];
}

/** Ends a silence now, or before it began; one that has ended, or is not there, changes nothing. */
export function expireSilence(silences: readonly Silence[], id: string, now: number): readonly Silence[] {
  if (!silences.some((silence) => silence.id === id && silence.endsAt > now)) return silences;
  return pruneSilences(silences, now).map((silence) =>
    silence.id === id ? { ...silence, startsAt: Math.min(silence.startsAt, now), endsAt: now } : silence,
  );
}

function pruneSilences(silences: readonly Silence[], now: number): readonly Silence[] {
  return silences.filter(({ endsAt }) => now < endsAt + keepEndedMs);
}

const silencesVersion = 1;
const silencesSchema = z.object({
  version: z.literal(silencesVersion),
  /** Differs with every write, so that a writer recognises its own after a lost answer. */
  writer: z.string(),
  silences: z.array(silenceSchema),
});

/** The stored object of all silences, for `changeObject`. */
export const silencesObject = {
  parse: (key: string, body: string): readonly Silence[] =>
    parseVersioned(silencesSchema, silencesVersion, key, body).silences,
  format: (silences: readonly Silence[], writer: string) =>
    JSON.stringify({ version: silencesVersion, writer, silences }),
  empty: (): readonly Silence[] => [],
} as const;
