/** Signing keys: ECDSA over the three curves that OpenSSF Model Signing 1.0 registers. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { VaultError } from '../error.ts';

/** A curve of the standard's algorithm registry. */
export type Curve = 'P-256' | 'P-384' | 'P-521';

/** A key pair as PEM text. */
export interface SigningKeyPair {
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKeyPem: string;
}

/** A key and the hash that its curve prescribes. */
export interface CurveKey {
  readonly key: KeyObject;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}

const hashOfCurve = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' } as const;

/** A new key pair; P-256 unless another curve is asked for. */
export function generateSigningKey(options: { readonly curve?: Curve } = {}): SigningKeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: options.curve ?? 'P-256' });
  return {
    privateKeyPem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicPem(pair.publicKey),
  };
}

/** The public half of a private key; throws `bad-key`. */
export function publicKeyOf(privateKeyPem: string): string {
  return publicPem(createPublicKey(readPrivateKey(privateKeyPem).key));
}

/** A private key from PEM text; throws `bad-key`. */
export function readPrivateKey(privateKeyPem: string): CurveKey {
  return curveKeyOf(parse(() => createPrivateKey(privateKeyPem), 'private'));
}

/** A public key from PEM text; throws `bad-key`. */
export function readPublicKey(publicKeyPem: string): CurveKey {
  return curveKeyOf(parse(() => createPublicKey(publicKeyPem), 'public'));
}

/** How a bundle names its key: the SHA-256 of the public key's PEM text, in hexadecimal. */
export function keyHint(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256').update(publicPem(publicKey)).digest('hex');
}

function publicPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function parse(read: () => KeyObject, kind: string): KeyObject {
  try {
    return read();
  } catch (thrown) {
    throw new VaultError('bad-key', `expected an unencrypted EC ${kind} key in PEM`, {
      hint: 'make one with "openssl ecparam -name prime256v1 -genkey -noout"',
      cause: thrown,
    });
  }
}

/** A key with the hash of its curve; throws `bad-key` for any other curve. */
export function curveKeyOf(key: KeyObject): CurveKey {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'unknown';
  const hash = Object.entries(hashOfCurve).find(([name]) => name === curve)?.[1];
  if (hash === undefined) {
    throw new VaultError('bad-key', `signing key expected P-256, P-384 or P-521, got "${curve}"`);
  }
  return { key, hash };
}
