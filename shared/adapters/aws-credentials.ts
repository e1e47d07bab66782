export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}
export type CredentialProvider = () => Promise<AwsCredentials>;

export interface CredentialOptions {
  /** Region of the STS endpoint that is asked to assume the role. */
  readonly region: string;
  readonly assumeRole?: {
    readonly roleArn: string;
    readonly externalId?: string;
    readonly sessionName: string;
  };
  /** Unix milliseconds. */
  readonly now: () => number;
}

const refreshAheadMs = 5 * 60_000;

/**
 * The SDK's default chain (environment, profile, SSO, web identity, container, instance), or a role assumed
 * with it. Loaded with the first call, kept until five minutes before they expire.
 */
export function buildCredentials(options: CredentialOptions): CredentialProvider {
  const { region, assumeRole, now } = options;
  return keepUntilExpiry(
    lazily(assumeRole === undefined ? defaultChain : () => roleProvider(region, assumeRole)),
    now,
  );
}

/** A refresh that fails while the old credentials still hold is not an error yet. */
export function keepUntilExpiry(provider: CredentialProvider, now: () => number): CredentialProvider {
  let held: AwsCredentials | undefined;
  let pending: Promise<AwsCredentials> | undefined;
  const holds = (aheadMs: number) =>
    held !== undefined && (held.expiration === undefined || held.expiration.getTime() - now() > aheadMs);
  return async () => {
    if (held !== undefined && holds(refreshAheadMs)) return held;
    pending ??= provider().finally(() => {
      pending = undefined;
    });
    try {
      held = await pending;
    } catch (error) {
      if (held === undefined || !holds(0)) throw error;
    }
    return held;
  };
}

function lazily(load: () => Promise<CredentialProvider>): CredentialProvider {
  let loading: Promise<CredentialProvider> | undefined;
  return async () => {
    loading ??= load();
    return (await loading)();
  };
}

async function defaultChain(): Promise<CredentialProvider> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  return defaultProvider();
}

async function roleProvider(
  region: string,
  role: NonNullable<CredentialOptions["assumeRole"]>,
): Promise<CredentialProvider> {
  const { fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
  const provider = fromTemporaryCredentials({
    params: {
      RoleArn: role.roleArn,
      RoleSessionName: role.sessionName,
      ...(role.externalId === undefined ? {} : { ExternalId: role.externalId }),
    },
    // Without these a VPC that has no way to STS hangs until the function is killed.
    clientConfig: {
      region,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
    },
  });
  return () => provider().catch((error: unknown) => refused(error, role.roleArn));
}

function refused(error: unknown, roleArn: string): never {
  if (!(error instanceof Error) || error.name !== "AccessDenied") throw error;
  throw new Error(
    `not allowed to assume ${roleArn}: allow sts:AssumeRole on it here, and trust this role there (external id included)`,
    { cause: error },
  );
}
