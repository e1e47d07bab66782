import type { Plugin } from "esbuild";

/** Parts of the AWS SDK that no Lambda runs, and the code that stands for them in a bundle. */
const substitutes: Readonly<Record<string, string>> = {
  // Lambda hands out credentials in the environment. The default chain would bring SSO, login, profiles,
  // processes, web identity and the metadata services, none of which exist there.
  "@aws-sdk/credential-provider-node": `export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";`,
  // Imported as a whole, it brings all of the above and Cognito; only one of its providers is asked for.
  "@aws-sdk/credential-providers": `export { fromTemporaryCredentials } from "@aws-sdk/credential-providers";`,
  // Takes apart the names of browsers.
  bowser: "export default {};",
};

const names = new RegExp(`^(${Object.keys(substitutes).join("|")})$`);

export const lambdaOnly: Plugin = {
  name: "lambda-only",
  setup(build) {
    build.onResolve({ filter: names }, ({ path, resolveDir, namespace }) =>
      namespace === "lambda-only" ? undefined : { path, namespace: "lambda-only", pluginData: resolveDir },
    );
    build.onLoad({ filter: /.*/, namespace: "lambda-only" }, ({ path, pluginData }) => ({
      contents: substitutes[path] ?? "",
      resolveDir: String(pluginData),
    }));
  },
};
