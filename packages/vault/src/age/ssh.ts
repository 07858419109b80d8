/**
 * SSH keys as age recipients and identities (age v1, "ssh-rsa and ssh-ed25519 recipient types"):
 * files sealed to the keys that people have anyway. Arithmetic is node:crypto's.
 */
import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { base64, concat, fromBase64, utf8, wipe } from '@merlon/core';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { cannotOpen, VaultError } from '../error.ts';
import { type OpenSshKey, readOpenSshKey, sshStrings, sshWire } from './ssh-key.ts';
import { unwrapped } from './wrapped.ts';
import { privateX25519, publicX25519, rawPublic } from './x25519.ts';

const rsaLabel = utf8('age-encryption.org/v1/ssh-rsa');
const ed25519Label = utf8('age-encryption.org/v1/ssh-ed25519');
const rsaBitsMin = 2048;
const fieldPrime = 2n ** 255n - 19n;

/** True for a line such as `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`. */
export function isSshRecipient(text: string): boolean {
  return /^ssh-(ed25519|rsa) /.test(text);
}

/** True for the text of a private key file as `ssh-keygen` or `openssl` writes it. */
export function isSshIdentity(text: string): boolean {
  return /^-----BEGIN (OPENSSH |RSA )?PRIVATE KEY-----/.test(text.trim());
}

/** Seals to a line of an `authorized_keys` or `.pub` file. Throws `bad-recipient`. */
export function sshRecipient(line: string): Recipient {
  const [kind = '', blobText = ''] = line.trim().split(/\s+/);
  try {
    const wire = fromBase64(blobText);
    const fields = sshStrings(wire);
    if (Buffer.from(fields[0] ?? []).toString('latin1') !== kind) throw cannotOpen();
    return kind === 'ssh-rsa' ? rsaRecipient(wire, fields) : ed25519Recipient(wire, fields);
  } catch (cause) {
    throw new VaultError('bad-recipient', 'expected ssh-ed25519 or ssh-rsa (2048 bits or more)', {
      hint: 'give the whole line of the .pub file, in quotes',
      cause,
    });
  }
}

/** Opens what was sealed to an SSH key. Throws `bad-identity`, never showing the key. */
export function sshIdentity(text: string): Identity {
  const key = readOpenSshKey(text);
  const fingerprint = fingerprintOf(key.wire);
  const unwrap = (stanza: Stanza): Uint8Array | null => {
    if (stanza.args[0] !== key.kind) return null;
    if (stanza.args.length !== (key.kind === 'ssh-rsa' ? 2 : 3)) throw cannotOpen();
    if (stanza.args[1] !== fingerprint) return null;
    return key.kind === 'ssh-rsa' ? unwrapRsa(key, stanza) : unwrapEd25519(key, stanza);
  };
  return {
    unwrapFileKey: async (stanzas) => {
      for (const stanza of stanzas) {
        const fileKey = unwrap(stanza);
        if (fileKey !== null) return fileKey;
      }
      return null;
    },
  };
}

/** The public line of a private key file. Throws `bad-identity`. */
export function sshRecipientOf(text: string): string {
  const { kind, wire } = readOpenSshKey(text);
  return `${kind} ${base64(wire)}`;
}

function rsaRecipient(wire: Uint8Array, [, e, n]: readonly Uint8Array[]): Recipient {
  const jwk = { kty: 'RSA', e: base64Url(e), n: base64Url(n) };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < rsaBitsMin) throw cannotOpen();
  return {
    wrapFileKey: async (fileKey) => {
      const body = publicEncrypt({ key, ...oaep }, fileKey);
      return [new Stanza(['ssh-rsa', fingerprintOf(wire)], new Uint8Array(body))];
    },
  };
}

const oaep = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha256',
  oaepLabel: rsaLabel,
} as const;

function unwrapRsa(key: OpenSshKey, stanza: Stanza): Uint8Array | null {
  try {
    return new Uint8Array(privateDecrypt({ key: key.privateKey, ...oaep }, stanza.body));
  } catch {
    // Four bytes of fingerprint may be those of another key.
    return null;
  }
}

function ed25519Recipient(wire: Uint8Array, [, point]: readonly Uint8Array[]): Recipient {
  if (point?.length !== 32) throw cannotOpen();
  const theirs = montgomeryOf(point);
  return {
    wrapFileKey: async (fileKey) => {
      const pair = generateKeyPairSync('x25519');
      const ephemeral = rawPublic(pair.publicKey);
      const shared = diffieHellman({
        privateKey: pair.privateKey,
        publicKey: publicX25519(theirs),
      });
      const key = wrappingKey({ wire, shared, ephemeral, theirs });
      const cipher = createCipheriv('chacha20-poly1305', key, new Uint8Array(12), {
        authTagLength: 16,
      });
      const body = concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      wipe(key, shared);
      const share = base64(ephemeral).replace(/=+$/, '');
      return [new Stanza(['ssh-ed25519', fingerprintOf(wire), share], body)];
    },
  };
}

function unwrapEd25519(key: OpenSshKey, stanza: Stanza): Uint8Array | null {
  const share = stanza.args[2] ?? '';
  if (!/^[A-Za-z0-9+/]{43}$/.test(share)) throw cannotOpen();
  const ephemeral = fromBase64(share);
  if (base64(ephemeral) !== `${share}=` || stanza.body.length !== 32) throw cannotOpen();
  const scalar = createHash('sha512').update(key.seed).digest().subarray(0, 32);
  const privateKey = privateX25519(scalar);
  const theirs = rawPublic(createPublicKey(privateKey));
  const shared = diffieHellman({ privateKey, publicKey: publicX25519(ephemeral) });
  const wrapping = wrappingKey({ wire: key.wire, shared, ephemeral, theirs });
  wipe(scalar, shared);
  // As with RSA: the short fingerprint may be that of another key.
  return unwrapped(wrapping, new Uint8Array(12), stanza.body);
}

function wrappingKey(of: {
  readonly wire: Uint8Array;
  readonly shared: Uint8Array;
  readonly ephemeral: Uint8Array;
  readonly theirs: Uint8Array;
}): Uint8Array {
  const tweak = new Uint8Array(hkdfSync('sha256', new Uint8Array(0), of.wire, ed25519Label, 32));
  const privateKey = privateX25519(tweak);
  const tweaked = diffieHellman({ privateKey, publicKey: publicX25519(of.shared) });
  const salt = concat([of.ephemeral, of.theirs]);
  return new Uint8Array(hkdfSync('sha256', tweaked, salt, ed25519Label, 32));
}

/** The u-coordinate of an Edwards point: (1 + y) / (1 − y), RFC 7748 section 4.1. */
function montgomeryOf(point: Uint8Array): Uint8Array {
  const bytes = point.slice();
  bytes[31] = (bytes[31] ?? 0) & 0x7f;
  const y = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const u = modulo((1n + y) * power(modulo(1n - y), fieldPrime - 2n));
  return new Uint8Array(Buffer.from(u.toString(16).padStart(64, '0'), 'hex').reverse());
}

function modulo(value: bigint): bigint {
  return ((value % fieldPrime) + fieldPrime) % fieldPrime;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function fingerprintOf(wire: Uint8Array): string {
  const first = createHash('sha256').update(wire).digest().subarray(0, 4);
  return sshWire.base64(first);
}

function base64Url(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64url');
}
