import { join } from "node:path";

import { isExecutable } from "./executables.ts";

/** Software of the Prometheus project, and where a machine that lacks it can get it from. */
export interface Software<Binaries> {
  /** In sentences. */
  readonly title: string;
  /** In file names: of the official release's archive and of the cache. */
  readonly name: string;
  readonly debianPackage: string;
  /** Null where Homebrew has none. */
  readonly brewFormula: string | null;
  readonly release: { readonly version: string; readonly base: string };
  /** What must be on PATH, in words. */
  readonly programs: string;
  /** Its programs in a folder, or null where one is missing. */
  readonly binariesIn: (dir: string) => Promise<Binaries | null>;
  /** All of its programs; the first one's version counts. */
  readonly paths: (binaries: Binaries) => readonly [string, ...string[]];
  readonly recent: (major: number, minor: number) => boolean;
}

export interface Binaries {
  readonly prometheus: string;
  readonly promtool: string;
}

export const prometheusSoftware: Software<Binaries> = {
  title: "Prometheus",
  name: "prometheus",
  debianPackage: "prometheus",
  brewFormula: "prometheus",
  // A release with long-term support.
  release: releaseOf("prometheus", "3.5.0"),
  programs: "prometheus and promtool",
  binariesIn: async (dir) => {
    const [prometheus, promtool] = await Promise.all([
      programIn(dir, ["prometheus"]),
      programIn(dir, ["promtool"]),
    ]);
    return prometheus && promtool ? { prometheus, promtool } : null;
  },
  paths: ({ prometheus, promtool }) => [prometheus, promtool],
  // Older ones have no out-of-order window.
  recent: (major, minor) => major > 2 || (major === 2 && minor >= 39),
};

export interface AlertmanagerBinaries {
  readonly alertmanager: string;
}

export const alertmanagerSoftware: Software<AlertmanagerBinaries> = {
  title: "Alertmanager",
  name: "alertmanager",
  debianPackage: "prometheus-alertmanager",
  brewFormula: null,
  release: releaseOf("alertmanager", "0.28.1"),
  programs: "alertmanager",
  binariesIn: async (dir) => {
    // The second one is Debian's name.
    const alertmanager = await programIn(dir, ["alertmanager", "prometheus-alertmanager"]);
    return alertmanager ? { alertmanager } : null;
  },
  paths: ({ alertmanager }) => [alertmanager],
  // Older ones cannot send to SNS.
  recent: (major, minor) => major > 0 || minor >= 23,
};

function releaseOf(name: string, version: string) {
  return { version, base: `https://github.com/prometheus/${name}/releases/download/v${version}` };
}

/** The first program of these names that a folder has. */
async function programIn(dir: string, names: readonly string[]): Promise<string | null> {
  for (const name of names) if (await isExecutable(join(dir, name))) return join(dir, name);
  return null;
}
