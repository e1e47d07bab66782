/**
 * Settings for SDK clients in a function. The SDK waits for ever by default, and of a time limit alone it only
 * says that it has passed; state, events and secrets must go while there is time to try again. Milliseconds.
 */
export const patience = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
} as const;
