import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * Writes out the keys in the AWS SDK's schemas, `[_h]: …` as `"http": …`. A bundler must keep an object with a
 * computed key, used or not, since computing the key might do something; with plain ones it drops the shapes of
 * all operations that nobody calls, which are a tenth of a bundle with S3.
 */
export const prunableSchemas: Plugin = {
  name: "prunable-schemas",
  setup(build) {
    build.onLoad({ filter: /[/\\]@aws-sdk[/\\].*[/\\]schemas_\d+\.js$/ }, async ({ path }) => ({
      contents: writeOutKeys(await readFile(path, "utf8")),
    }));
  },
};

function writeOutKeys(source: string): string {
  const names = new Map(
    [...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]),
  );
  return source.replaceAll(/\[(_\w+)\]:/g, (key, name: string) => {
    const text = names.get(name);
    return text ? `${text}:` : key;
  });
}
