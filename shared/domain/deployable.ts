import { channelSecrets } from "./channel.ts";
import {
  hostOf,
  isAttached,
  isPrivateAddress,
  isPrivateName,
  type Network,
  type NetworkFunction,
} from "./network.ts";
import type { CompiledConfig, Target } from "./probe.ts";
import { allChannels } from "./routes.ts";
import { type CompiledTransaction, transactionSecrets, transactionUrls } from "./transactions/compiled.ts";

/** One line each. `faults` cannot work once deployed; `warnings` need something that Sonde does not set up. */
export interface DeployReport {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** What is right on a workstation and yet cannot work in Lambda. */
export function checkDeployable(config: CompiledConfig): DeployReport {
  const { network } = config;
  const targets = config.targets.map((target) => checkTarget(target, network));
  const channels = allChannels(config.incidents.routes);
  const secrets = [
    ...config.targets.flatMap((target) => targetSecret(target) ?? []),
    ...config.transactions.flatMap(transactionSecrets),
    ...channelSecrets(channels),
  ];
  const transactions = config.transactions.map((one) => checkTransaction(one, network));
  const heartbeat = config.heartbeat ? placeOf(config.heartbeat, "run-probes", network) : null;
  return {
    faults: [
      ...targets.flatMap(({ faults }) => faults),
      ...transactions.flatMap(({ faults }) => faults),
      ...(heartbeat?.fault ? [`heartbeat: ${heartbeat.fault}`] : []),
      ...secrets.flatMap((name) => checkSecret(name) ?? []),
      ...channels.flatMap((channel) => checkChannel(channel) ?? []),
    ],
    warnings: [...targets, ...transactions].flatMap(({ warnings }) => warnings),
  };
}

/** Anything looser would be a pattern in the policy that admits it. */
const roleArn = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;

function checkTarget({ name, url, auth }: Target, network: Network | null): DeployReport {
  const say = (what: string) => `target "${name}": ${what}`;
  const { fault, warning } = placeOf(url, "run-probes", network);
  const signed = auth.kind === "sigv4" && !auth.assumeRole ? auth.service : null;
  const faults = [
    ...(fault ? [fault] : []),
    ...(auth.kind === "sigv4" && !/^[a-z]+(-[a-z]+)+-\d+$/.test(auth.region)
      ? [`"${auth.region}" is not an AWS region such as eu-central-1`]
      : []),
    ...(auth.kind === "sigv4" && auth.assumeRole && !roleArn.test(auth.assumeRole.roleArn)
      ? [`"${auth.assumeRole.roleArn}" is not a role's ARN such as arn:aws:iam::111122223333:role/sonde`]
      : []),
    ...(signed === "aps" && !fault && !workspaceOf(url)
      ? [`${url} names no Managed Prometheus workspace: write https://…/workspaces/ws-…`]
      : []),
  ];
  const warnings = [
    ...(warning ? [warning] : []),
    ...(signed && signed !== "aps"
      ? [`requests are signed for ${signed}: allow RunProbesRole what they need, Sonde only knows aps`]
      : []),
  ];
  return { faults: faults.map(say), warnings: warnings.map(say) };
}

/** What is wrong with a target is told with the target; that run-transactions must reach it too, is not. */
function checkTransaction(compiled: CompiledTransaction, network: Network | null): DeployReport {
  const { id, kind, settings } = compiled;
  const place = (url: string) => placeOf(url, "run-transactions", network);
  const own = transactionUrls(compiled).map(place);
  const ofTarget = kind === "write-path" || kind === "alert-path" ? [place(settings.url)] : [];
  const say = (what: string) => `transaction "${id}": ${what}`;
  return {
    faults: own.flatMap(({ fault }) => (fault ? [say(fault)] : [])),
    warnings: [...own, ...ofTarget].flatMap(({ warning }) => (warning ? [say(warning)] : [])),
  };
}

interface Place {
  readonly fault?: string;
  readonly warning?: string;
}

/** Whether a function can reach a URL's host from where it stands. */
function placeOf(url: string, by: NetworkFunction, network: Network | null): Place {
  const host = hostOf(url);
  if (/^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|::1?|169\.254\.[\d.]+)$/.test(host))
    return {
      fault: `${host} is the function itself once this is deployed: give the address that others use`,
    };
  if (/\.svc(\.|$)|\.cluster\.local$/.test(host))
    return {
      fault: `${host} exists inside its cluster only: put an internal load balancer before it and give that address`,
    };
  if (!/[.:]/.test(host)) return { fault: `${host} has no domain, and Lambda looks up whole names only` };
  const what = isPrivateAddress(host) ? "address" : isPrivateName(host) ? "name" : null;
  if (!what || isAttached(network, by)) return {};
  return {
    warning: `${host} is a private ${what}, and ${by} stands outside any VPC: ${attach(by, network)}`,
  };
}

function attach(by: NetworkFunction, network: Network | null): string {
  if (network) return `add it to network.functions: [${[...network.functions, by].join(", ")}]`;
  const functions = by === "run-transactions" ? "" : `, functions: [${by}]`;
  return `add network: { subnets: [subnet-…], securityGroups: [sg-…]${functions} } of a VPC that reaches it`;
}

function checkSecret(name: string): string | null {
  if (isSecretName(name)) return null;
  return `secret "${name}": Secrets Manager has letters, digits and /_+=.@- in its names`;
}

/** CloudFormation turns other characters into question marks, and the channel's rule would never match. */
function checkChannel(channel: string): string | null {
  if (/^[\x20-\x7e]+$/.test(channel)) return null;
  return `notify: write the id of ${channel} (C…) instead: its name does not survive CloudFormation`;
}

/** The id of the Managed Prometheus workspace that a URL speaks of. */
export function workspaceOf(url: string): string | null {
  return /\/workspaces\/(ws-[a-z0-9-]+)/.exec(URL.parse(url)?.pathname ?? "")?.[1] ?? null;
}

export function targetSecret({ auth }: Target): string | null {
  if (auth.kind === "basic") return auth.passwordSecret;
  return auth.kind === "bearer" ? auth.tokenSecret : null;
}

/** Anything else in a name would be a pattern in the policy that admits it. */
export function isSecretName(name: string): boolean {
  return (name.startsWith("arn:") ? /^arn:[\w:/+=.@-]+$/ : /^[\w/+=.@-]+$/).test(name);
}
