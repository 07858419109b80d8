/** Certificates for tests, made by the `openssl` command. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, runProgram } from '../support.ts';

/** The command, or null. */
export const openssl = findProgram('openssl', 'OPENSSL');

/** What to make. */
export interface CertificateWish {
  readonly name: string;
  readonly curve?: string;
  /** Name of the issuer made before; itself when absent. */
  readonly issuer?: string;
  readonly extensions: readonly string[];
  /** Validity, as openssl's `-not_before` and `-not_after` take it. */
  readonly from?: string;
  readonly to?: string;
}

/** Extensions of an authority and of a signer. */
export const authority = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
];
/** Extensions of a certificate that signs models. */
export const forSigning = [
  'basicConstraints=CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=codeSigning',
];

/** Writes `NAME.key` and `NAME.pem` into a folder. */
export function makeCertificate(folder: string, wish: CertificateWish): void {
  const at = (name: string): string => join(folder, name);
  const { name, issuer = name, curve = 'P-256' } = wish;
  run(['genpkey', '-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`], at(`${name}.key`));
  const subject = ['-new', '-key', at(`${name}.key`), '-subj', `/CN=${name}`];
  run(['req', ...subject], at(`${name}.csr`));
  writeFileSync(
    at(`${name}.cnf`),
    [
      ...['[ca]', 'default_ca=d', '[d]', `database=${at(`${name}.db`)}`, 'policy=p'],
      ...['rand_serial=yes', 'default_md=sha256', `new_certs_dir=${folder}`, 'unique_subject=no'],
      ...['email_in_dn=no', '[p]', 'commonName=supplied', '[e]', ...wish.extensions, ''],
    ].join('\n'),
  );
  writeFileSync(at(`${name}.db`), '');
  const self = issuer === name ? ['-selfsign'] : ['-cert', at(`${issuer}.pem`)];
  const args = ['ca', '-batch', '-config', at(`${name}.cnf`), '-extensions', 'e', '-notext'];
  const { from = '20200101000000Z', to = '20400101000000Z' } = wish;
  const dates = ['-startdate', from, '-enddate', to];
  const key = ['-keyfile', at(`${issuer}.key`), '-in', at(`${name}.csr`)];
  run([...args, ...self, ...dates, ...key], at(`${name}.pem`));
}

function run(args: readonly string[], out: string): void {
  const result = runProgram(openssl ?? 'openssl', [...args, '-out', out]);
  if (result.status !== 0) throw new Error(result.stderr);
}
