import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { unzipSync } from "fflate";
import * as z from "zod/mini";

const resource = z.looseObject({
  Type: z.string(),
  Properties: z.optional(z.record(z.string(), z.unknown())),
  DependsOn: z.optional(z.union([z.string(), z.array(z.string())])),
});
const template = z.looseObject({ Resources: z.record(z.string(), resource), Outputs: z.unknown() });

export type Template = z.infer<typeof template>;
export type Properties = Readonly<Record<string, unknown>>;

/** How `serverless package` ended, and what it left behind. */
export interface Packaging {
  readonly exitCode: number;
  /** Errors, and what a command answers. */
  readonly stdout: string;
  /** Progress and warnings. */
  readonly stderr: string;
  /** The folder that was packaged; sonde.yaml is in it. */
  readonly folder: string;
  readonly template: () => Template;
  /** A function's zip, and what is in it. */
  readonly zip: (name: string) => Buffer;
  readonly unzip: (name: string) => Readonly<Record<string, Uint8Array>>;
  readonly remove: () => void;
}

const root = resolve(import.meta.dirname, "../..");
const parts = ["build", "cli", "events", "functions", "shared", "stacks", "serverless.yml", "package.json"];

/** Every attempt to open a connection fails: packaging needs no network. */
const noNetwork = `data:text/javascript,${encodeURIComponent(
  'import net from "node:net"; net.Socket.prototype.connect = () => { throw new Error("no network"); };',
)}`;

/** Packages a copy of this service with a config of the test's, without network and credentials. */
export async function packageService(
  config: string,
  { args = [], timeZone = "UTC" }: { args?: readonly string[]; timeZone?: string } = {},
): Promise<Packaging> {
  const folder = mkdtempSync(join(tmpdir(), "sonde-package-"));
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "sonde.yaml"), config);
  const packed = join(folder, ".serverless");
  return {
    ...(await run(folder, args, timeZone)),
    folder,
    template: () => template.parse(readJson(join(packed, "cloudformation-template-update-stack.json"))),
    zip: (name) => readFileSync(join(packed, `${name}.zip`)),
    unzip: (name) => unzipSync(readFileSync(join(packed, `${name}.zip`))),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function run(
  folder: string,
  args: readonly string[],
  timeZone: string,
): Promise<Pick<Packaging, "exitCode" | "stdout" | "stderr">> {
  const { promise, resolve: done } =
    Promise.withResolvers<Pick<Packaging, "exitCode" | "stdout" | "stderr">>();
  const serverless = join(root, "node_modules/serverless/bin/serverless.js");
  execFile(
    process.execPath,
    ["--import", noNetwork, serverless, "package", ...args],
    { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, TZ: timeZone } },
    (error, stdout, stderr) => done({ exitCode: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
  );
  return promise;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** The names of all functions: the folders beside each other in functions/. */
export function functionNames(): string[] {
  return readdirSync(join(root, "functions")).sort();
}

/** The properties of a template's resources of one type, by logical id. */
export function resourcesOf({ Resources }: Template, type: string): Record<string, Properties> {
  return Object.fromEntries(
    Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) =>
      Type === type ? [[id, Properties] as const] : [],
    ),
  );
}

/** Every object inside a value, itself included. */
export function objectsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  if (typeof value !== "object" || value === null) return [];
  return [{ ...value }, ...Object.values(value).flatMap(objectsIn)];
}

const getAtt = z.union([z.tuple([z.string(), z.string()]), z.string()]);

/** The logical ids that a value refers to by Ref, GetAtt and Sub; pseudo parameters are left out. */
export function referencesIn(value: unknown): string[] {
  const found = objectsIn(value).flatMap((object) => {
    if (typeof object.Ref === "string") return [object.Ref];
    const att = getAtt.safeParse(object["Fn::GetAtt"]);
    if (att.success) return [typeof att.data === "string" ? (att.data.split(".")[0] ?? "") : att.data[0]];
    const sub = object["Fn::Sub"];
    if (typeof sub !== "string") return [];
    return [...sub.matchAll(/\$\{([A-Za-z0-9:]+)(?:\.[A-Za-z0-9.]+)?\}/g)].map(([, name]) => name ?? "");
  });
  return found.filter((name) => !name.startsWith("AWS::"));
}

const one = z.union([z.string(), z.record(z.string(), z.unknown())]);
const many = z.union([
  z.array(one),
  z.pipe(
    one,
    z.transform((value) => [value]),
  ),
]);
const statement = z.looseObject({
  Sid: z.optional(z.string()),
  Effect: z.enum(["Allow", "Deny"]),
  Action: z.pipe(
    z.union([z.string(), z.array(z.string())]),
    z.transform((value) => [value].flat()),
  ),
  Resource: z.optional(many),
});

export interface FoundStatement extends z.infer<typeof statement> {
  /** The resource of the template that holds it. */
  readonly in: string;
}

/** All statements of all policies: roles', queues', topics', the key's and the buckets'. */
export function statementsOf({ Resources }: Template): FoundStatement[] {
  return Object.entries(Resources).flatMap(([id, { Properties = {} }]) =>
    objectsIn(Properties).flatMap((object) => {
      const found = statement.safeParse(object);
      return found.success ? [{ ...found.data, in: id }] : [];
    }),
  );
}
