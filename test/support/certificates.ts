import { generate } from "selfsigned";

/** PEM texts. A self-signed certificate is its own authority. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const day = 86_400_000;

/** A self-signed certificate for one host or several, each a name or an IPv4 address. */
export async function makeCertificate(
  hosts: readonly string[],
  options: { expired?: boolean } = {},
): Promise<Certificate> {
  const start = options.expired ? Date.UTC(2020, 0, 1) : Date.now() - day;
  const made = await generate([{ name: "commonName", value: hosts[0] ?? "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(start),
    notAfterDate: new Date(start + 3 * day),
    extensions: [
      { name: "basicConstraints", cA: true },
      {
        name: "subjectAltName",
        altNames: hosts.map((host) =>
          /^[\d.]+$/.test(host) ? ({ type: 7, ip: host } as const) : ({ type: 2, value: host } as const),
        ),
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}
