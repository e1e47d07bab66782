import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { ConfigError } from "../shared/domain/errors.ts";
import type { CompiledConfig } from "../shared/domain/probe.ts";
import { compiledConfigFile } from "../shared/lambda/config.ts";
import { buildAlarms } from "../stacks/alarms.ts";
import { alertTopics, buildAlertmanager } from "../stacks/alertmanager.ts";
import { buildChannels } from "../stacks/channels.ts";
import { type DeployConfig, loadDeployConfig } from "../stacks/config.ts";
import { type Attachment, buildAttachments } from "../stacks/network.ts";
import { buildPermissions } from "../stacks/permissions.ts";
import { archive } from "./archive.ts";
import { bundleFunction } from "./bundle.ts";

interface FunctionEntry {
  readonly handler: string;
  package?: { artifact?: string };
  vpc?: Attachment["vpc"];
  dependsOn?: readonly string[];
}

/** What the plugin uses of osls. */
interface Serverless {
  readonly serviceDir: string;
  readonly service: { readonly functions: Readonly<Record<string, FunctionEntry>> };
  readonly processedInput: { readonly commands: readonly string[] };
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
}

interface Writers {
  readonly log: { readonly warning: (line: string) => void };
}

interface VariableRequest {
  readonly params?: readonly string[] | null;
  readonly address: string | null;
  readonly resolveConfigurationProperty: (path: readonly string[]) => Promise<unknown>;
}

type Loaded = DeployConfig | { readonly fault: string };

/** A function that carries this module reads the compiled config. */
const configReader = "shared/lambda/config.ts";

/** Commands that need a sound config; the others, such as `remove`, must work without one. */
const needConfig = new Set(["package", "deploy", "print"]);

/**
 * Bundles the functions with the compiled config, and answers `${sonde:…}` in serverless.yml with what
 * follows from sonde.yaml.
 */
export class SondePlugin {
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>;
  readonly configurationVariablesSources: Readonly<Record<string, object>>;
  readonly #serverless: Serverless;
  readonly #writers: Writers;
  #loaded: Loaded | undefined;

  constructor(serverless: Serverless, _options: unknown, writers: Writers) {
    this.#serverless = serverless;
    this.#writers = writers;
    this.configurationVariablesSources = {
      sonde: { resolve: async (request: VariableRequest) => ({ value: await this.#resolve(request) }) },
    };
    this.hooks = {
      initialize: () => {
        this.#report();
        this.#attach();
      },
      "before:package:createDeploymentArtifacts": () => this.#bundle(),
      "before:package:function:package": () => this.#bundle(),
    };
  }

  /** A bad config makes an empty stack here; #report then stops with the faults alone, one line each. */
  async #resolve({ params, address, resolveConfigurationProperty }: VariableRequest): Promise<unknown> {
    const setting = async (...path: string[]) => String(await resolveConfigurationProperty(path));
    const path = resolve(this.#serverless.serviceDir, await setting("custom", "config"));
    this.#loaded ??= load(path);
    const name = params?.[0];
    if ("fault" in this.#loaded) return name ? {} : address === "alertTopics" ? "" : { Resources: {} };
    const { compiled } = this.#loaded;
    if (name) return isDeployed(name, compiled) ? partOf(name, address) : {};
    switch (address) {
      case "permissions":
        return buildPermissions(compiled, {
          token: await setting("custom", "slackSecret"),
          signing: await setting("custom", "slackSigningSecret"),
        });
      case "channels":
        return buildChannels(compiled.incidents.routes);
      case "alertmanager":
        return buildAlertmanager(compiled.targets, await setting("custom", "name"));
      case "alertTopics":
        return alertTopics(compiled.targets);
      case "alarms":
        return buildAlarms({
          name: await setting("custom", "name"),
          functions: namesOf(await resolveConfigurationProperty(["functions"])),
          config: compiled,
          service: `run-probes${await setting("custom", "suffix")}`,
          email: await setting("custom", "alarmEmail"),
        });
      default:
        throw new this.#serverless.classes.Error(`there is no \${sonde:${address}}`, "SONDE_VARIABLE");
    }
  }

  #report(): void {
    const [command = ""] = this.#serverless.processedInput.commands;
    if (!needConfig.has(command) || !this.#loaded) return;
    if ("fault" in this.#loaded) throw new this.#serverless.classes.Error(this.#loaded.fault, "SONDE_CONFIG");
    for (const note of this.#loaded.notes) this.#writers.log.warning(note);
  }

  /** Functions stand in a VPC only where config says so: there is nothing of it in serverless.yml. */
  #attach(): void {
    if (!this.#loaded || "fault" in this.#loaded) return;
    const { functions } = this.#serverless.service;
    for (const [name, attachment] of buildAttachments(this.#loaded.compiled))
      Object.assign(functions[name] ?? {}, attachment);
  }

  async #bundle(): Promise<void> {
    if (!this.#loaded || "fault" in this.#loaded) throw new Error("sonde.yaml was not loaded");
    const { serviceDir, service } = this.#serverless;
    const config = Buffer.from(JSON.stringify(this.#loaded.compiled));
    mkdirSync(join(serviceDir, ".serverless"), { recursive: true });
    await Promise.all(
      Object.entries(service.functions).map(async ([name, entry]) => {
        const { files, modules } = await bundleFunction(serviceDir, entry.handler);
        const reads = configReader in modules ? { [compiledConfigFile]: config } : {};
        const artifact = join(".serverless", `${name}.zip`);
        writeFileSync(join(serviceDir, artifact), archive({ ...files, ...reads }));
        entry.package = { artifact };
      }),
    );
  }
}

/**
 * Nobody listens to Slack where config does not say whose app and team it is, and nothing is scheduled where there
 * are no transactions.
 */
function isDeployed(name: string, { slack, transactions }: CompiledConfig): boolean {
  if (name === "run-transactions") return transactions.length > 0;
  return slack !== null || !["answer-slack", "apply-answer"].includes(name);
}

/** A function's own part of the template, as its function.yml has it: osls resolves the variable further. */
function partOf(name: string, part: string | null): string | Readonly<Record<string, string>> {
  const variable = `\${file(functions/${name}/function.yml):${part}}`;
  return part === "function" ? { [name]: variable } : variable;
}

/** Functions stand in a list of mappings. */
function namesOf(functions: unknown): string[] {
  return [functions].flat().flatMap((some) => Object.keys(Object(some)));
}

function load(path: string): Loaded {
  try {
    return loadDeployConfig(path);
  } catch (error) {
    if (error instanceof ConfigError) return { fault: error.message };
    throw error;
  }
}
