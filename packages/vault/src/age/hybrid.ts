/**
 * The post-quantum recipients of age (`age1pq1…`): HPKE (RFC 9180) over ML-KEM-768 with X25519
 * (X-Wing), in node:crypto, some fifty times as fast as the same in JavaScript.
 */
import crypto, {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { type Bytes, concat, fromBase64, secureBytes, utf8, wipe } from '@merlon/core';
import { bech32 } from '@scure/base';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { cannotOpen, VaultError } from '../error.ts';
import { unwrapped } from './wrapped.ts';
import { privateX25519, publicX25519, rawPublic } from './x25519.ts';

/** True where the runtime has ML-KEM (Node 24.7 and later). */
export const hasNativeHybrid: boolean = typeof crypto.encapsulate === 'function';

const recipientPrefix = 'age1pq1';
const identityPrefix = 'AGE-SECRET-KEY-PQ-1';
const kemPublicBytes = 1184;
const kemCipherBytes = 1088;
const label = utf8('age-encryption.org/mlkem768x25519');
const combiner = utf8('\\.//^\\');
/** HPKE: this KEM, HKDF-SHA256, ChaCha20-Poly1305. */
const suite = concat([utf8('HPKE'), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 3)]);
const kemPublicPrefix = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex');
/** PKCS #8 of an ML-KEM-768 key that is given by its seed alone. */
const kemPrivatePrefix = Buffer.from('3054020100300b060960864801650304040204428040', 'hex');

/** True for `age1pq1…`. */
export function isHybridRecipient(text: string): boolean {
  return text.startsWith(recipientPrefix);
}

/** True for `AGE-SECRET-KEY-PQ-1…`. */
export function isHybridIdentity(text: string): boolean {
  return text.startsWith(identityPrefix);
}

/** Fresh secret text. */
export function newHybridIdentity(): string {
  const seed = secureBytes(32);
  const text = bech32.encodeFromBytes('AGE-SECRET-KEY-PQ-', seed).toUpperCase();
  wipe(seed);
  return text;
}

/** The public half; throws `bad-identity`. */
export function hybridRecipientOf(identity: string): string {
  const { kemPublic, xPublic } = expand(seedOf(identity));
  return bech32.encode('age1pq', bech32.toWords(concat([kemPublic, xPublic])), false);
}

/** Seals to `age1pq1…`. Throws `bad-recipient`. */
export function hybridRecipient(text: string): Recipient {
  const { kem, x } = readRecipient(text);
  return {
    wrapFileKey: async (fileKey) => {
      const { sharedKey, ciphertext } = crypto.encapsulate(kem);
      const pair = generateKeyPairSync('x25519');
      const ephemeral = rawPublic(pair.publicKey);
      const xShared = diffieHellman({ privateKey: pair.privateKey, publicKey: publicX25519(x) });
      const { key, nonce } = context(combine([sharedKey, xShared, ephemeral, x]));
      wipe(sharedKey, xShared);
      const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
      const body = concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      wipe(key);
      const share = concat([ciphertext, ephemeral]);
      const text64 = Buffer.from(share).toString('base64').replace(/=+$/, '');
      return [new Stanza(['mlkem768x25519', text64], body)];
    },
  };
}

/** Opens what was sealed to its recipient. Throws `bad-identity`. */
export function hybridIdentity(text: string): Identity {
  const seed = seedOf(text);
  let expanded: Expanded | undefined;
  return {
    unwrapFileKey: async (stanzas) => {
      for (const stanza of stanzas) {
        if (stanza.args[0] !== 'mlkem768x25519') continue;
        expanded ??= expand(seed);
        const fileKey = unwrap(expanded, stanza);
        if (fileKey !== null) return fileKey;
      }
      return null;
    },
  };
}

interface Expanded {
  readonly kem: KeyObject;
  readonly kemPublic: Uint8Array;
  readonly x: KeyObject;
  readonly xPublic: Uint8Array;
}

function unwrap(own: Expanded, stanza: Stanza): Uint8Array | null {
  const [, text = '', ...more] = stanza.args;
  if (more.length > 0 || !/^[A-Za-z0-9+/]+$/.test(text)) throw cannotOpen();
  const share = fromBase64(text);
  const canonical = Buffer.from(share).toString('base64').replace(/=+$/, '') === text;
  if (!canonical || share.length !== kemCipherBytes + 32 || stanza.body.length !== 32) {
    throw cannotOpen();
  }
  const ephemeral = share.subarray(kemCipherBytes);
  const kemShared = crypto.decapsulate(own.kem, share.subarray(0, kemCipherBytes));
  const xShared = diffieHellman({ privateKey: own.x, publicKey: publicX25519(ephemeral) });
  const { key, nonce } = context(combine([kemShared, xShared, ephemeral, own.xPublic]));
  wipe(kemShared, xShared);
  // ML-KEM gives every stranger some key; that it fits nothing is how they are told apart.
  return unwrapped(key, nonce, stanza.body);
}

function expand(seed: Uint8Array): Expanded {
  const long = createHash('shake256', { outputLength: 96 }).update(seed).digest();
  const der = Buffer.concat([kemPrivatePrefix, long.subarray(0, 64)]);
  const kem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const x = privateX25519(long.subarray(64));
  wipe(long, der);
  const exported = createPublicKey(kem).export({ format: 'der', type: 'spki' });
  const kemPublic = new Uint8Array(exported.subarray(-kemPublicBytes));
  return { kem, kemPublic, x, xPublic: rawPublic(createPublicKey(x)) };
}

function readRecipient(text: string): { kem: KeyObject; x: Uint8Array } {
  try {
    const { prefix, words } = bech32.decode(text as `${string}1${string}`, false);
    const bytes = bech32.fromWords(words);
    if (prefix !== 'age1pq' || bytes.length !== kemPublicBytes + 32) throw new RangeError(prefix);
    const key = Buffer.concat([kemPublicPrefix, bytes.subarray(0, kemPublicBytes)]);
    const kem = createPublicKey({ key, format: 'der', type: 'spki' });
    return { kem, x: bytes.slice(kemPublicBytes) };
  } catch (cause) {
    throw new VaultError('bad-recipient', 'expected age1pq1… as "merlon keys new" prints it', {
      hint: 'copy the whole line: it has some 2,000 characters',
      cause,
    });
  }
}

function seedOf(text: string): Uint8Array {
  const seed = decodedSeed(text);
  if (seed !== null) return seed;
  throw new VaultError('bad-identity', 'expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…', {
    hint: 'make one with "merlon keys new" or "age-keygen -pq"',
  });
}

function decodedSeed(text: string): Uint8Array | null {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(text);
    return prefix.toUpperCase() === 'AGE-SECRET-KEY-PQ-' && bytes.length === 32 ? bytes : null;
  } catch {
    // The library's message may show the secret, so it is not passed on.
    return null;
  }
}

/** X-Wing: both secrets, and what the curve's half went through. */
function combine(parts: readonly Uint8Array[]): Uint8Array {
  return createHash('sha3-256')
    .update(concat([...parts, combiner]))
    .digest();
}

/** HPKE base mode: the key and nonce of the one message. */
function context(shared: Uint8Array): { key: Bytes; nonce: Bytes } {
  const none = new Uint8Array(0);
  const schedule = concat([
    Uint8Array.of(0),
    extract(none, 'psk_id_hash', none),
    extract(none, 'info_hash', label),
  ]);
  const secret = extract(shared, 'secret', none);
  return {
    key: expandTo(secret, 'key', schedule, 32),
    nonce: expandTo(secret, 'base_nonce', schedule, 12),
  };
}

function extract(salt: Uint8Array, name: string, material: Uint8Array): Uint8Array {
  const input = concat([utf8('HPKE-v1'), suite, utf8(name), material]);
  return createHmac('sha256', salt).update(input).digest();
}

function expandTo(secret: Uint8Array, name: string, info: Uint8Array, length: number): Bytes {
  const head = concat([Uint8Array.of(0, length), utf8('HPKE-v1'), suite, utf8(name), info]);
  const block = createHmac('sha256', secret).update(head).update(Uint8Array.of(1)).digest();
  return new Uint8Array(block.subarray(0, length));
}
