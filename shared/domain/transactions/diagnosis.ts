import type { Finding } from "./finding.ts";

/** A way in which a transaction goes wrong: the guide's table has how it shows, its cause and its fix. */
export interface Diagnosis {
  readonly verdict: Finding["verdict"];
  readonly shows: string;
  readonly cause: string;
  readonly fix: string;
}

export type Diagnoses = Readonly<Record<string, Diagnosis>>;

export function diagnosis(verdict: Finding["verdict"], shows: string, cause: string, fix: string): Diagnosis {
  return { verdict, shows, cause, fix };
}

/** A maker of findings of one record, with what was seen of each. */
export function finder<T extends Diagnoses>(diagnoses: T) {
  return (id: Extract<keyof T, string>, seen = ""): Finding => {
    const { verdict, cause, fix } = diagnoses[id] ?? unknownDiagnosis;
    return { id, verdict, cause, fix, seen };
  };
}

const unknownDiagnosis = diagnosis("unknown", "", "something that has no diagnosis", "report it");
