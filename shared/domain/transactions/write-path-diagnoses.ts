import { diagnosis, finder } from "./diagnosis.ts";

/** Each way in which a sample does not get to the target and back: how it shows, what it comes from, what mends it. */
export const writePathDiagnoses = {
  "write-denied": diagnosis(
    "fail",
    "403 on writing",
    "the role may not write to this workspace",
    "allow aps:RemoteWrite on the workspace to the role in use",
  ),
  "write-denied-explicitly": diagnosis(
    "fail",
    "403 on writing that names an explicit deny",
    "a policy forbids to write to this workspace, whatever else allows it",
    "look for the deny in service control policies, permission boundaries, the VPC endpoint's policy and the workspace's own policy",
  ),
  "bad-signature": diagnosis(
    "fail",
    "403 about signature, token, date or region",
    "the request's signature is not accepted",
    "check region, clock and credentials of the role, and that no proxy changes host or path on the way",
  ),
  unauthorized: diagnosis(
    "fail",
    "401 on writing",
    "the target does not accept the credentials",
    "check the target's auth: writing may need another user or token than reading",
  ),
  "out-of-order": diagnosis(
    "fail",
    "400 out of order, or a duplicate",
    "the series has a newer sample already: its clock went back, or another Sonde writes the same series",
    "check the clock, and that no second deployment has the same target and name; with old collectors raise the out-of-order window",
  ),
  "too-old": diagnosis(
    "fail",
    "400 too old or out of bounds",
    "the sample's time is too far in the past for the target",
    "check this machine's clock and the target's; collectors that catch up after an outage lose what is older than the out-of-order window",
  ),
  "in-future": diagnosis(
    "fail",
    "400 too far in the future",
    "this machine's clock is ahead of the target's",
    "set the clock (NTP)",
  ),
  "series-limit": diagnosis(
    "fail",
    "400, formerly 429, that names a series limit",
    "the workspace has as many active series as it may have: new pods and models stay unseen",
    "find the metrics with most series (topk by __name__), drop or aggregate them, or raise the active series quota",
  ),
  "label-limit": diagnosis(
    "fail",
    "400 that names labels",
    "the target does not take the sample's labels",
    "shorten the target's name or the labels in config",
  ),
  "write-refused": diagnosis(
    "fail",
    "another 4xx on writing",
    "the target does not take the sample",
    "see what it says",
  ),
  "ingestion-rate": diagnosis(
    "fail",
    "429 ingestion rate limit",
    "more samples a second than the workspace may take: whole requests of collectors are lost too",
    "scrape less often or fewer metrics, or raise the ingestion rate quota; DiscardedSamples in AWS/Prometheus counts what is lost",
  ),
  "request-rate": diagnosis(
    "fail",
    "429 Rate exceeded",
    "more remote-write requests a second than the workspace may take",
    "let collectors send larger batches (max_samples_per_send, fewer shards), or raise the RemoteWrite quota",
  ),
  "rate-limited": diagnosis(
    "fail",
    "another 429",
    "the target takes no more for now",
    "see which limit it names; collectors are held back by it as well",
  ),
  "receiver-off": diagnosis(
    "fail",
    "404 that names the receiver",
    "this Prometheus does not take remote writes",
    "start it with --web.enable-remote-write-receiver, or take the target out of writePath.targets",
  ),
  "wrong-path": diagnosis(
    "fail",
    "another 404 or 405, HTML, or a redirect",
    "there is no remote-write endpoint at the target's address",
    "check the target's address and workspace id; …/api/v1/remote_write of AMP, …/api/v1/write of Prometheus",
  ),
  unreachable: diagnosis(
    "fail",
    "no connection, or TLS fails",
    "the target cannot be reached to write",
    "check address, DNS, route and security groups; a VPC endpoint needs a policy that lets aps:RemoteWrite through",
  ),
  timeout: diagnosis(
    "fail",
    "no answer in time, or 504",
    "the target takes the sample and answers nothing",
    "look at the target's ingestion load, or at what stands before it",
  ),
  "server-error": diagnosis(
    "fail",
    "5xx on writing",
    "the target is in trouble: what collectors send now waits in their queues",
    "look at the target's log, or AWS's health page; collectors keep about two hours",
  ),
  "read-denied": diagnosis(
    "fail",
    "403 on reading",
    "the sample was taken, and the role may not read it",
    "allow aps:QueryMetrics on the workspace to the role in use",
  ),
  "read-failed": diagnosis(
    "unknown",
    "another failure on reading",
    "the sample was taken; whether it can be read is not known",
    "see what the target says to queries: its probes fail for the same reason",
  ),
  "never-visible": diagnosis(
    "fail",
    "taken, and not to be read long after what is usual",
    "samples are taken and lost, or come far too late: every probe and alert works on old data",
    "look at the target's ingestion (DiscardedSamples in AWS/Prometheus), and that reads and writes go to the same workspace",
  ),
  "not-yet-visible": diagnosis(
    "unknown",
    "taken, and not to be read in the first runs' time",
    "the sample was taken and cannot be read yet; what is usual here is not known",
    "wait for further runs; if they agree, reads and writes may go to different places",
  ),
  slow: diagnosis(
    "fail",
    "the lag is over its threshold",
    "samples can be read later than they should",
    "look at the target's load; until it is well again, a larger delay keeps probes from reading half of a step",
  ),
} as const;

export const writePathFound = finder(writePathDiagnoses);
export type WritePathDiagnosis = keyof typeof writePathDiagnoses;
