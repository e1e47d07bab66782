import { type EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";

/** An event on the sonde bus; `detail` is what its schema in events/ describes. */
export interface BusEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
}

/** Puts events on the bus; resolves only when every one was accepted. */
export type PublishEvents = (events: readonly BusEvent[]) => Promise<void>;

/** PutEvents takes ten entries a call. */
const batchSize = 10;
const tries = 3;

/** Needs events:PutEvents on the bus. Entries that the bus refused inside a 200 are sent again, then an error. */
export function buildPublishEvents(client: Pick<EventBridgeClient, "send">, bus: string): PublishEvents {
  const putBatch = async (
    events: readonly BusEvent[],
  ): Promise<readonly { event: BusEvent; error: string }[]> => {
    const answer = await client.send(
      new PutEventsCommand({
        Entries: events.map(({ source, detailType, detail }) => ({
          EventBusName: bus,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
        })),
      }),
    );
    if (!answer.FailedEntryCount) return [];
    const refused = events.flatMap((event, index) => {
      const entry = answer.Entries?.[index];
      return entry?.EventId
        ? []
        : [{ event, error: `${entry?.ErrorCode ?? "unknown error"} ${entry?.ErrorMessage ?? ""}`.trim() }];
    });
    // A count that no entry explains leaves all of them in doubt; a hint that comes twice costs nothing.
    return refused.length > 0 ? refused : events.map((event) => ({ event, error: "unknown error" }));
  };
  return async (events) => {
    for (let from = 0; from < events.length; from += batchSize) {
      let failed = await putBatch(events.slice(from, from + batchSize));
      for (let count = 1; failed.length > 0 && count < tries; count++)
        failed = await putBatch(failed.map(({ event }) => event));
      if (failed.length > 0)
        throw new Error(
          `the bus ${bus} refused ${failed.length} events: ${failed[0]?.error}; the next round announces them again`,
        );
    }
  };
}
