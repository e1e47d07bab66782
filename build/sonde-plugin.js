// osls reads plain JavaScript only.
export { SondePlugin as default } from "./plugin.ts";
