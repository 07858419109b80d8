/** Who signs: a key in memory, a key with certificates, or a key that never leaves its device. */
import { sign, type X509Certificate } from 'node:crypto';
import { base64, type JsonObject } from '@merlon/core';
import { VaultError } from '../error.ts';
import { certificatesOf } from './certificate.ts';
import { type CurveKey, keyHint, readPrivateKey } from './key.ts';

/** Signs messages and says how its signatures are verified. */
export interface Signer {
  /** `verificationMaterial` of the bundles: a public key's hint, or certificates. */
  readonly material: JsonObject;
  /** ECDSA over the message with the hash of the curve, in DER. */
  sign(message: Uint8Array): Uint8Array;
}

/** Signs with a private key in PEM: P-256, P-384 or P-521. Throws `bad-key`. */
export function keySigner(privateKeyPem: string): Signer {
  const key = readPrivateKey(privateKeyPem);
  return { material: { publicKey: { hint: keyHint(key.key) } }, sign: signing(key) };
}

/**
 * Signs with a private key and the certificates that vouch for it, the key's own first, the
 * trusted root left out or last. Throws `bad-key` when the first is not that of the key.
 */
export function certificateSigner(privateKeyPem: string, certificatesPem: string): Signer {
  const key = readPrivateKey(privateKeyPem);
  return certified({ material: {}, sign: signing(key) }, certificatesPem, (leaf) =>
    leaf.checkPrivateKey(key.key),
  );
}

/** The same for any signer; `isOwn` says whether the first certificate is the signer's. */
export function certified(
  signer: Signer,
  certificatesPem: string,
  isOwn: (leaf: X509Certificate) => boolean,
): Signer {
  const chain = certificatesOf(certificatesPem);
  const [leaf] = chain;
  if (leaf === undefined || !isOwn(leaf)) {
    throw new VaultError('bad-key', 'the first certificate expected that of the signing key', {
      hint: 'put the certificate of the key first, those that issued it after it',
    });
  }
  const certificates = chain.map((each) => ({ rawBytes: base64(new Uint8Array(each.raw)) }));
  return { material: { x509CertificateChain: { certificates } }, sign: signer.sign };
}

function signing({ key, hash }: CurveKey): Signer['sign'] {
  return (message) => new Uint8Array(sign(hash, message, { key, dsaEncoding: 'der' }));
}
