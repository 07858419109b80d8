/** Raw X25519 keys as node:crypto takes them (RFC 8410). */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { wipe } from '@merlon/core';

const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

/** A private key from its 32 bytes. */
export function privateX25519(scalar: Uint8Array): KeyObject {
  const key = Buffer.concat([privatePrefix, scalar]);
  const made = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  wipe(key);
  return made;
}

/** A public key from its 32 bytes. */
export function publicX25519(point: Uint8Array): KeyObject {
  const key = Buffer.concat([publicPrefix, point]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

/** The 32 bytes of a public key. */
export function rawPublic(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}
