// Certificates for servers with TLS, made by the openssl program: an authority of the tests' own, and what it has signed.
//
//   const certificates = await makeCertificates();
//   certificates.ca                    the file to trust
//   certificates.server                { key, cert } for localhost and 127.0.0.1
//   certificates.elsewhere, .expired   the same for another host, and out of date
//   certificates.stranger              signed by itself
//   await certificates.remove()
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export async function makeCertificates() {
  const folder = await mkdtemp(join(tmpdir(), "repartee-certificates-"));
  const file = (name) => join(folder, name);
  const openssl = (...args) => run("openssl", args, { cwd: folder });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

  const pair = async (name) => ({ key: await readFile(file(`${name}.key`)), cert: await readFile(file(`${name}.pem`)) });
  async function sign(name, names, days) {
    await writeFile(file(`${name}.ext`), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
    await openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    await openssl("x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", days, "-extfile", `${name}.ext`, "-out", `${name}.pem`);
    return pair(name);
  }

  await openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=Tests", "-addext", "basicConstraints=critical,CA:TRUE");
  await openssl("req", "-x509", ...newKey, "-keyout", "stranger.key", "-out", "stranger.pem", "-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  return {
    ca: file("ca.pem"),
    server: await sign("server", "DNS:localhost,IP:127.0.0.1", "30"),
    elsewhere: await sign("elsewhere", "DNS:shop.example", "30"),
    expired: await sign("expired", "DNS:localhost,IP:127.0.0.1", "-1"),
    stranger: await pair("stranger"),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
