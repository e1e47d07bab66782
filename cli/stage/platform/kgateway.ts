import { counter, counters, type Family, gauge } from "./family.ts";
import { day } from "./flow.ts";
import { buildTarget, type Target } from "./target.ts";
import { namespace } from "./topology.ts";

interface ControllerState {
  /** Seconds since the controller started. */
  readonly uptime: number;
}

/**
 * The control plane of kgateway. Its families of rejects and of replaced routes are born with their first
 * event, and nothing of the kind happens here.
 */
export function kgatewayTarget(epoch: number): Target {
  const start = epoch - 6.2 * day;
  return buildTarget<ControllerState>(
    {
      job: "kgateway",
      labels: {
        namespace: "kgateway-system",
        pod: "kgateway-7d4f8b6c99-t5xhj",
        instance: "10.0.21.60:9092",
      },
    },
    families(),
    (t) => ({ uptime: (t - start) / 1000 }),
  );
}

const gatewayName = "inference-gateway";

function families(): Family<ControllerState>[] {
  const every = (seconds: number) => (state: ControllerState) => 1 + state.uptime / seconds;
  const never = () => 0;
  const ownNames = { name: gatewayName, namespace };
  const results = (seconds: number) => ({ success: every(seconds), error: never });
  const resources = { Gateway: 1, HTTPRoute: 4, TrafficPolicy: 2 };
  return [
    ...["gateway", "gatewayclass"].flatMap((controller) =>
      counters<ControllerState>("kgateway_controller_reconciliations_total", "result", results(620), {
        controller,
        ...ownNames,
      }),
    ),
    gauge("kgateway_controller_reconciliations_running", { controller: "gateway", ...ownNames }, () => 0),
    ...Object.entries(resources).map(([resource, count]) =>
      gauge<ControllerState>(
        "kgateway_resources_managed",
        { namespace, parent: gatewayName, resource },
        () => count,
      ),
    ),
    counter("kgateway_resources_updates_dropped_total", {}, never),
    gauge("kgateway_routing_domains", { namespace, gateway: gatewayName, port: "8080" }, () => 3),
    ...counters("kgateway_translator_translations_total", "result", results(300), {
      ...ownNames,
      translator: "TranslateGateway",
    }),
    ...counters("kgateway_status_syncer_status_syncs_total", "result", results(300), {
      ...ownNames,
      syncer: "GatewayStatusSyncer",
    }),
    ...counters("kgateway_xds_snapshot_transforms_total", "result", results(300), {
      gateway: gatewayName,
      namespace,
    }),
    counter("kgateway_xds_snapshot_syncs_total", { gateway: gatewayName, namespace }, every(300)),
    gauge(
      "kgateway_xds_snapshot_resources",
      { gateway: gatewayName, namespace, resource: "Cluster" },
      () => 6,
    ),
  ];
}
