/**
 * Certificate chains of signatures (RFC 5280, as far as code signing needs it): from the signing
 * certificate over issuers that are authorities to one that is trusted, all valid now.
 */
import { X509Certificate } from 'node:crypto';
import { VaultError } from '../error.ts';
import { type CurveKey, curveKeyOf } from './key.ts';

const chainLengthMax = 8;
const codeSigning = '1.3.6.1.5.5.7.3.3';
const keyUsageOid = Uint8Array.of(0x06, 0x03, 0x55, 0x1d, 0x0f);
const basicConstraintsOid = Uint8Array.of(0x06, 0x03, 0x55, 0x1d, 0x13);

/** All certificates in PEM text; throws `bad-key`. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    const found = blocks.map((block) => new X509Certificate(block));
    if (found.length > 0) return found;
  } catch (cause) {
    throw noCertificate(cause);
  }
  throw noCertificate();
}

/** The key of the first certificate, once the chain holds; else the sentence that says why not. */
export function chainKey(
  chain: readonly Uint8Array[],
  trust: { readonly certificatesPem: string; readonly atMs: number },
): CurveKey | string {
  const anchors = certificatesOf(trust.certificatesPem);
  const own = chain.slice(0, chainLengthMax).map(readCertificate);
  const [leaf, ...others] = own;
  if (leaf === undefined || own.includes(null)) return 'the bundle holds no sound certificate';
  if (leaf === null) return 'the bundle holds no sound certificate';
  const usage = usageFault(leaf);
  if (usage !== null) return usage;
  const intermediates = others.filter((each) => each !== null);
  const fault = pathFault(leaf, { anchors, intermediates, atMs: trust.atMs });
  if (fault !== null) return fault;
  try {
    return curveKeyOf(leaf.publicKey);
  } catch (error) {
    return (error as Error).message;
  }
}

interface Path {
  readonly anchors: readonly X509Certificate[];
  readonly intermediates: readonly X509Certificate[];
  readonly atMs: number;
}

function pathFault(leaf: X509Certificate, path: Path): string | null {
  let current = leaf;
  for (let depth = 0; depth < chainLengthMax; depth++) {
    const time = timeFault(current, path.atMs);
    if (time !== null) return time;
    if (depth > 0 && !isAuthority(current, depth - 1)) {
      return `"${nameOf(current)}" may not issue certificates`;
    }
    if (path.anchors.some((anchor) => anchor.raw.equals(current.raw))) return null;
    const anchor = path.anchors.find((each) => issued(each, current));
    if (anchor !== undefined) {
      if (!isAuthority(anchor, depth)) return `"${nameOf(anchor)}" may not issue certificates`;
      return timeFault(anchor, path.atMs);
    }
    const issuer = path.intermediates.find((each) => each !== current && issued(each, current));
    if (issuer === undefined) return `nobody who is trusted vouches for "${nameOf(current)}"`;
    current = issuer;
  }
  return `expected a chain of at most ${chainLengthMax} certificates`;
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function timeFault(certificate: X509Certificate, atMs: number): string | null {
  const [from, to] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  if (atMs < from) return `the certificate of "${nameOf(certificate)}" is not valid yet`;
  // A signature may be older than this, but nothing here proves when it was made.
  if (atMs > to) return `the certificate of "${nameOf(certificate)}" has expired`;
  return null;
}

function isAuthority(certificate: X509Certificate, authoritiesBelow: number): boolean {
  if (!certificate.ca) return false;
  const length = pathLengthOf(certificate);
  if (length !== null && authoritiesBelow > length) return false;
  const usage = keyUsageOf(certificate);
  return usage === null || (usage & 0x04) !== 0;
}

function usageFault(leaf: X509Certificate): string | null {
  const usage = keyUsageOf(leaf);
  const purposes = leaf.keyUsage as readonly string[] | undefined;
  const may = usage !== null ? (usage & 0x80) !== 0 : purposes?.includes(codeSigning) === true;
  return may ? null : `the certificate of "${nameOf(leaf)}" is not for signing`;
}

/** First octet of the key usage: 0x80 digital signature, 0x04 signing certificates. */
function keyUsageOf(certificate: X509Certificate): number | null {
  const value = extensionOf(certificate, keyUsageOid);
  // BIT STRING: tag, length, unused bits, first octet.
  return value === null ? null : (value[3] ?? 0);
}

function pathLengthOf(certificate: X509Certificate): number | null {
  const value = extensionOf(certificate, basicConstraintsOid);
  if (value === null) return null;
  // SEQUENCE { BOOLEAN ca, INTEGER pathLen OPTIONAL }
  const at = value.indexOf(0x02, 5);
  return at === 5 ? (value[7] ?? 0) : null;
}

/** The value of an extension: what stands in the OCTET STRING behind its identifier. */
function extensionOf(certificate: X509Certificate, oid: Uint8Array): Uint8Array | null {
  const raw = certificate.raw;
  const found = raw.lastIndexOf(oid);
  if (found < 0) return null;
  let at = found + oid.length;
  if (raw[at] === 0x01) at += 3;
  if (raw[at] !== 0x04) return null;
  const length = raw[at + 1] ?? 0;
  return raw.subarray(at + 2, at + 2 + length);
}

function readCertificate(der: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(der);
  } catch {
    return null;
  }
}

function nameOf(certificate: X509Certificate): string {
  return (/^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject).slice(0, 100);
}

function noCertificate(cause?: unknown): VaultError {
  return new VaultError('bad-key', 'expected certificates in PEM', {
    hint: 'give a file with "-----BEGIN CERTIFICATE-----" blocks',
    cause,
  });
}
