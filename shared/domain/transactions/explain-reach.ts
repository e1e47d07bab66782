import { isPrivateAddress, isPrivateName } from "../network.ts";
import type { Reach, ReachStage } from "../reach.ts";
import { diagnosis, finder } from "./diagnosis.ts";
import type { Finding } from "./finding.ts";

/** Where whoever asks stands: a function in the VPC or outside any, or somebody's own machine. */
export type Standing = "vpc" | "no-vpc" | "workstation";

/**
 * Each way in which the network between Sonde and a service is what fails, or may be. A service that is down is
 * known by its host, which refuses; what only Sonde cannot reach is unknown, since others may well reach it.
 */
export const reachDiagnoses = {
  "outside-vpc": diagnosis(
    "unknown",
    "a private address does not answer, from outside any VPC",
    "the address is private, and run-transactions stands outside any VPC: nothing is known of the service",
    "add network: { subnets: […], securityGroups: […] } of a VPC that reaches it to sonde.yaml, and deploy",
  ),
  "private-name": diagnosis(
    "unknown",
    "a private name does not resolve, from outside any VPC",
    "the name is a private one, which resolves inside its own network only: nothing is known of the service",
    "add network: { subnets: […], securityGroups: […] } of the VPC that its zone belongs to to sonde.yaml, and deploy",
  ),
  "not-in-zone": diagnosis(
    "fail",
    "the name does not resolve, from inside the VPC",
    "the VPC's name servers know no such name: the record is gone, or its zone does not belong to this VPC",
    "check the record; associate the private hosted zone with this VPC, which needs enableDnsSupport and enableDnsHostnames",
  ),
  "no-dns-in-vpc": diagnosis(
    "unknown",
    "no name server answers, from inside the VPC",
    "no name server answers from the VPC's subnets: nothing is known of the service",
    "check enableDnsSupport and the DHCP options; name servers of your own must admit the function's security group on port 53",
  ),
  "no-dns": diagnosis(
    "unknown",
    "no name server answers, from elsewhere",
    "no name server answers: nothing is known of the service",
    "if it stays, look at the zone's own name servers, then at the DNS of this network",
  ),
  "dropped-in-vpc": diagnosis(
    "fail",
    "a private address does not answer, from inside the VPC",
    "the name resolves, and packets to its private address vanish: a security group, a route or a host that is gone; a service that is down would refuse",
    "let the service's security group admit the one in network.securityGroups on this port; check routes and network ACLs both ways, then whether the load balancer has healthy targets",
  ),
  "no-way-out": diagnosis(
    "unknown",
    "a public address does not answer, from inside the VPC",
    "a public address does not answer from the VPC's subnets, which may have no way out: the service may be well",
    "give the subnets of network a route to a NAT gateway or an endpoint; if others reach it no more, look at its firewall",
  ),
  "not-in-network": diagnosis(
    "unknown",
    "a private address or name, from a workstation",
    "the service is private and this machine does not seem to be in its network: nothing is known of the service",
    "connect to its network (VPN), or let the deployed run-transactions run it",
  ),
} as const;

export type ReachDiagnosis = keyof typeof reachDiagnoses;

const found = finder(reachDiagnoses);

/**
 * What a failure means by where one stands; null where it means what the transaction says of it: a service that
 * refuses, a public name that is gone, a public address that is silent to everybody.
 */
export function explainReach(reach: Reach, standing: Standing): Finding | null {
  const id = explanation(reach, standing);
  return id && found(id, seen(reach));
}

function explanation({ stage, host, address }: Reach, standing: Standing): ReachDiagnosis | null {
  const inPrivate = isPrivateAddress(address ?? host);
  if (stage === "no-name-server") return standing === "vpc" ? "no-dns-in-vpc" : "no-dns";
  if (standing === "vpc") {
    if (stage === "no-name") return "not-in-zone";
    if (stage === "silent") return inPrivate ? "dropped-in-vpc" : "no-way-out";
    return null;
  }
  if (stage === "no-name" && isPrivateName(host))
    return standing === "no-vpc" ? "private-name" : "not-in-network";
  if (!inPrivate) return null;
  // Whatever is at this address in Lambda's own network, it is not the service.
  if (standing === "no-vpc") return "outside-vpc";
  return stage === "silent" ? "not-in-network" : null;
}

function seen({ host, address, stage }: Reach): string {
  const where = address === null || address === host ? host : `${host} is ${address}`;
  return `${where}: ${told[stage]}`;
}

const told: Readonly<Record<ReachStage, string>> = {
  "no-name": "no such name",
  "no-name-server": "no answer from DNS",
  silent: "no answer",
  refused: "refused",
  reset: "reset",
};

/** The findings as they read from where one stands. */
export function placeFindings(findings: readonly Finding[], standing: Standing): readonly Finding[] {
  return findings.map((finding) => (finding.reach && explainReach(finding.reach, standing)) ?? finding);
}
