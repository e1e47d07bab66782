import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** PEM texts. A self-signed certificate is its own authority. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A self-signed certificate, made by openssl. `altName` as in subjectAltName: "DNS:localhost,IP:127.0.0.1". */
export function makeCertificate(altName: string, options: { expired?: boolean } = {}): Certificate {
  const dir = mkdtempSync(join(tmpdir(), "sonde-certificate-"));
  const file = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  try {
    writeFileSync(file("ca.cnf"), caConfig(dir, altName));
    writeFileSync(file("index.txt"), "");
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", file("key.pem"));
    openssl("req", "-new", "-key", file("key.pem"), "-subj", `/CN=${altName}`, "-out", file("request.pem"));
    openssl(
      ...["ca", "-batch", "-selfsign", "-notext", "-config", file("ca.cnf"), "-keyfile", file("key.pem")],
      ...["-in", file("request.pem"), "-out", file("cert.pem"), "-create_serial"],
      ...(options.expired
        ? ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]
        : ["-days", "2"]),
    );
    return { key: readFileSync(file("key.pem"), "utf8"), cert: readFileSync(file("cert.pem"), "utf8") };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const caConfig = (dir: string, altName: string) => `
[ca]
default_ca = own
[own]
database = ${dir}/index.txt
serial = ${dir}/serial
new_certs_dir = ${dir}
default_md = sha256
policy = names
x509_extensions = extensions
[names]
commonName = supplied
[extensions]
subjectAltName = ${altName}
basicConstraints = CA:true
`;
