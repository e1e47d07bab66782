import { relative, resolve } from "node:path";
import { build } from "esbuild";

import { builtins } from "./builtins.ts";
import { lambdaOnly } from "./lambda-only.ts";
import { prunableSchemas } from "./prunable-schemas.ts";

export interface Bundle {
  /** Path inside the zip and contents: the code and its source map. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Bytes of minified code. */
  readonly size: number;
  /** The modules that are in it, by path from the root, with their bytes. */
  readonly modules: Readonly<Record<string, number>>;
}

/** Bundles a function from the `handler` of its function.yml: `functions/run-probes/handler.handler`. */
export async function bundleFunction(root: string, handler: string): Promise<Bundle> {
  const source = handler.replace(/\.[^.]+$/, ".ts");
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [source],
    outbase: ".",
    outdir: ".",
    outExtension: { ".js": ".mjs" },
    write: false,
    metafile: true,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    minify: true,
    keepNames: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "silent",
    plugins: [builtins, lambdaOnly, prunableSchemas],
  });
  const code = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".mjs"));
  return {
    files: Object.fromEntries(
      outputFiles.map(({ path, contents }) => [relative(resolve(root), path), contents]),
    ),
    size: code.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    modules: Object.fromEntries(
      code.flatMap(([, { inputs }]) =>
        Object.entries(inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput] as const),
      ),
    ),
  };
}

/** The npm packages among a bundle's modules that put code into it. */
export function packagesIn(modules: Bundle["modules"]): string[] {
  const names = Object.entries(modules).flatMap(([path, bytes]) => {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
    return name && bytes > 0 ? [name] : [];
  });
  return [...new Set(names)].sort();
}
