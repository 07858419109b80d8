/** Private keys as `ssh-keygen` writes them (PROTOCOL.key), and RSA and Ed25519 keys in PEM. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { concat, utf8 } from '@merlon/core';
import { VaultError } from '../error.ts';

/** An SSH key pair. */
export interface OpenSshKey {
  readonly kind: 'ssh-ed25519' | 'ssh-rsa';
  /** The public key as it stands in `.pub` files, decoded. */
  readonly wire: Uint8Array;
  readonly privateKey: KeyObject;
  /** The 32 secret bytes of an Ed25519 key; empty for RSA. */
  readonly seed: Uint8Array;
}

/** Encodings of the SSH protocol. */
export const sshWire = {
  /** Base64 without padding. */
  base64: (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, ''),
  /** Strings with their lengths before them. */
  strings: (...parts: readonly Uint8Array[]): Uint8Array =>
    concat(parts.flatMap((part) => [lengthOf(part), part])),
};

const magic = 'openssh-key-v1\0';
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Reads a private key that is not encrypted. Throws `bad-identity`, never showing the key. */
export function readOpenSshKey(text: string): OpenSshKey {
  try {
    return /BEGIN OPENSSH PRIVATE KEY/.test(text) ? readOpenSsh(text) : readPem(text);
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    throw badKey('expected an Ed25519 or RSA private key of SSH', cause);
  }
}

/** All strings of a wire encoding; throws `RangeError` where a length points past the end. */
export function sshStrings(wire: Uint8Array): Uint8Array[] {
  const reader = new WireReader(wire);
  const found: Uint8Array[] = [];
  while (!reader.atEnd) found.push(reader.string());
  return found;
}

class WireReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('expected more bytes');
    const part = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  number(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  }

  string(): Uint8Array {
    return this.take(this.number());
  }

  text(): string {
    return Buffer.from(this.string()).toString('latin1');
  }
}

function readOpenSsh(text: string): OpenSshKey {
  const body = text.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
  const reader = new WireReader(new Uint8Array(Buffer.from(body, 'base64')));
  if (Buffer.from(reader.take(magic.length)).toString('latin1') !== magic) throw badKey('no key');
  const cipher = reader.text();
  reader.string();
  reader.string();
  if (cipher !== 'none') {
    throw badKey('the SSH key is protected by a passphrase, which is not read here', undefined, {
      hint: 'make a copy without one: ssh-keygen -p -N "" -f COPY',
    });
  }
  if (reader.number() !== 1) throw badKey('expected one key in the file');
  const wire = reader.string();
  const secret = new WireReader(reader.string());
  const [check, again] = [secret.number(), secret.number()];
  if (check !== again) throw badKey('the SSH key is damaged');
  const kind = secret.text();
  if (kind === 'ssh-ed25519') return ed25519Key(wire, secret);
  if (kind === 'ssh-rsa') return rsaKey(wire, secret);
  throw badKey(`expected ssh-ed25519 or ssh-rsa, got "${kind.slice(0, 40)}"`);
}

function ed25519Key(wire: Uint8Array, secret: WireReader): OpenSshKey {
  secret.string();
  const seed = secret.string().slice(0, 32);
  const key = Buffer.concat([ed25519Prefix, seed]);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return { kind: 'ssh-ed25519', wire, privateKey, seed };
}

function rsaKey(wire: Uint8Array, secret: WireReader): OpenSshKey {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => secret.string());
  const exponent = (prime: Uint8Array | undefined): Uint8Array =>
    bytesOf(integerOf(d) % (integerOf(prime) - 1n));
  const jwk = {
    kty: 'RSA',
    ...{ n: url(n), e: url(e), d: url(d), p: url(p), q: url(q) },
    ...{ dp: url(exponent(p)), dq: url(exponent(q)), qi: url(qi) },
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return { kind: 'ssh-rsa', wire, privateKey, seed: new Uint8Array(0) };
}

function readPem(text: string): OpenSshKey {
  const privateKey = createPrivateKey(text);
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const part = (name: string | undefined): Uint8Array =>
    new Uint8Array(Buffer.from(name ?? '', 'base64url'));
  if (privateKey.asymmetricKeyType === 'rsa') {
    const wire = sshWire.strings(utf8('ssh-rsa'), positive(part(jwk.e)), positive(part(jwk.n)));
    return { kind: 'ssh-rsa', wire, privateKey, seed: new Uint8Array(0) };
  }
  if (privateKey.asymmetricKeyType !== 'ed25519') throw badKey('expected an Ed25519 or RSA key');
  const seed = privateKey.export({ format: 'jwk' }).d;
  const wire = sshWire.strings(utf8('ssh-ed25519'), part(jwk.x));
  return { kind: 'ssh-ed25519', wire, privateKey, seed: part(seed) };
}

/** SSH integers are signed: one that begins with a high bit has a zero before it. */
function positive(bytes: Uint8Array): Uint8Array {
  return (bytes[0] ?? 0) >= 0x80 ? concat([Uint8Array.of(0), bytes]) : bytes;
}

function lengthOf(part: Uint8Array): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, part.length);
  return out;
}

function integerOf(bytes: Uint8Array | undefined): bigint {
  return BigInt(`0x0${Buffer.from(bytes ?? []).toString('hex')}`);
}

function bytesOf(value: bigint): Uint8Array {
  const text = value.toString(16);
  return new Uint8Array(Buffer.from(text.length % 2 === 0 ? text : `0${text}`, 'hex'));
}

/** Without the sign byte that SSH puts first. */
function url(bytes: Uint8Array | undefined): string {
  const plain = Buffer.from(bytes ?? []);
  return plain.subarray(plain[0] === 0 ? 1 : 0).toString('base64url');
}

function badKey(
  message: string,
  cause?: unknown,
  detail: { readonly hint: string } = { hint: 'give a key file that ssh-keygen wrote' },
): VaultError {
  return new VaultError('bad-identity', message, { ...detail, cause });
}
