/** Functions that may have to reach what only a VPC reaches; all others need public endpoints alone. */
export const networkFunctions = ["run-transactions", "run-probes"] as const;
export type NetworkFunction = (typeof networkFunctions)[number];

/** The VPC's subnets and security groups that functions are attached to, and which functions. */
export interface Network {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly functions: readonly NetworkFunction[];
}

export function isAttached(network: Network | null, name: NetworkFunction): boolean {
  return network?.functions.includes(name) ?? false;
}

/** A URL's host in lower case, without brackets and without the root's dot. */
export function hostOf(url: string): string {
  return (URL.parse(url)?.hostname ?? "").toLowerCase().replace(/^\[|\]$|\.$/g, "");
}

/** RFC 1918, RFC 6598 (which EKS gives to pods) and RFC 4193. */
export function isPrivateAddress(host: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][0-9a-f]{2}:)/.test(
    host,
  );
}

/**
 * A name that stands for private addresses wherever it resolves: of a private zone by custom, of an internal load
 * balancer, of a VPC endpoint. Other names may, too; only looking them up tells.
 */
export function isPrivateName(host: string): boolean {
  return (
    /\.(internal|local|lan|corp|intranet|private|home\.arpa)$/.test(host) ||
    /^internal-.*\.elb\.amazonaws\.com(\.cn)?$/.test(host) ||
    /\.vpce\.amazonaws\.com(\.cn)?$/.test(host)
  );
}
