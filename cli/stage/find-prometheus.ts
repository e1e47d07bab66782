import { type FindOptions, findSoftware } from "./find-software.ts";
import type { Found } from "./inspect.ts";
import { type Binaries, prometheusSoftware } from "./software.ts";

/** Finds a Prometheus with its promtool, or brings one. Throws an Error of one line that says what to do. */
export function findPrometheus(options: FindOptions): Promise<Found<Binaries>> {
  return findSoftware(prometheusSoftware, options);
}
