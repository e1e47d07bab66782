import type { Outlets } from "../../shared/adapters/outlets.ts";

async function unexpected(secret: string): Promise<never> {
  throw new Error(`nobody is to be told through ${secret}`);
}

/** For tests in which nothing is sent to any of them. */
export const noOutlets: Outlets = {
  postToWebhook: unexpected,
  sendToPagerDuty: unexpected,
  postSigned: unexpected,
};
