import type { Certificate } from "./certificates.ts";
import { type RealServer, startServer } from "./real-server.ts";

export type RealPrometheus = RealServer;

interface Settings {
  /** prometheus.yml; the default scrapes nothing and takes samples of the last days in any order. */
  readonly config?: string;
  readonly certificate?: Certificate;
  /** Basic auth: bcrypt hashes by user. */
  readonly users?: Readonly<Record<string, string>>;
  /** Whether it takes remote writes; it does by default. */
  readonly receiver?: boolean;
  /** Further arguments of the command line. */
  readonly args?: readonly string[];
}

const quietConfig = `
global: { scrape_interval: 1d }
storage: { tsdb: { out_of_order_time_window: 9d } }
`;

/** A Prometheus of its own on a free loopback port, with the remote-write receiver on. */
export function startPrometheus(settings: Settings = {}): Promise<RealPrometheus> {
  return startServer({
    program: "prometheus",
    files: {
      "prometheus.yml": settings.config ?? quietConfig,
      "web.yml": JSON.stringify(webConfig(settings)),
      "cert.pem": settings.certificate?.cert ?? "",
      "key.pem": settings.certificate?.key ?? "",
    },
    tls: settings.certificate !== undefined,
    args: (dir, address) => [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=${address}`,
      `--web.config.file=${dir}/web.yml`,
      ...(settings.receiver === false ? [] : ["--web.enable-remote-write-receiver"]),
      "--log.level=error",
      ...(settings.args ?? []),
    ],
  });
}

/** Paths are relative to the file. */
function webConfig({ certificate, users }: Settings) {
  return {
    ...(certificate === undefined
      ? {}
      : { tls_server_config: { cert_file: "cert.pem", key_file: "key.pem" } }),
    ...(users === undefined ? {} : { basic_auth_users: users }),
  };
}
