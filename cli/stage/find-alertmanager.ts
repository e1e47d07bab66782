import { type FindOptions, findSoftware } from "./find-software.ts";
import type { Found } from "./inspect.ts";
import { type AlertmanagerBinaries, alertmanagerSoftware } from "./software.ts";

/** Finds an Alertmanager, or brings one. Throws an Error of one line that says what to do. */
export function findAlertmanager(options: FindOptions): Promise<Found<AlertmanagerBinaries>> {
  return findSoftware(alertmanagerSoftware, options);
}
