/**
 * Signed notes (C2SP signed-note) with Ed25519: text, an empty line, then lines of signatures.
 * Keys are text as in Go's `sumdb/note`: `name+hash+base64` and `PRIVATE+KEY+name+hash+base64`.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import {
  type Bytes,
  base64,
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  hex,
  utf8,
  wipe,
} from '@merlon/core';
import { VaultError } from '../error.ts';

/** The most characters of a note that are read. */
export const noteCharactersMax = 1_000_000;

const ed25519 = 1;
const pkcs8Prefix = fromHex('302e020100300506032b657004220420');
const spkiPrefix = fromHex('302a300506032b6570032100');
const signatureLinesMax = 100;

/** A key pair for notes, as text. */
export interface NoteKeyPair {
  readonly signerKey: string;
  readonly verifierKey: string;
}

/** A key as its text says it. */
export interface NoteKey {
  readonly name: string;
  readonly hash: Bytes;
  readonly raw: Bytes;
}

/** A new Ed25519 key pair; the name is that of the log or witness, such as `example.org/log`. */
export function generateNoteKey(name: string): NoteKeyPair {
  if (!isName(name)) {
    throw new VaultError('bad-key', `key name expected no spaces and no plus, got "${name}"`);
  }
  const pair = generateKeyPairSync('ed25519');
  const seed = new Uint8Array(
    pair.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(pkcs8Prefix.length),
  );
  const publicBytes = rawPublic(pair.publicKey);
  const keyHash = hex(hashOf(name, publicBytes));
  const signerKey = `PRIVATE+KEY+${name}+${keyHash}+${encode(seed)}`;
  wipe(seed);
  return { signerKey, verifierKey: `${name}+${keyHash}+${encode(publicBytes)}` };
}

/** The verifier key of a signer key; throws `bad-key`. */
export function verifierKeyOf(signerKey: string): string {
  const { name, hash, publicBytes } = readSigner(signerKey);
  return `${name}+${hex(hash)}+${encode(publicBytes)}`;
}

/** The note: the text and one signature for each key. Throws `bad-note` and `bad-key`. */
export function signNote(text: string, signerKeys: readonly string[]): string {
  checkText(text);
  const lines = signerKeys.map((signerKey) => {
    const signer = readSigner(signerKey);
    const signature = sign(null, utf8(text), signer.key);
    return `— ${signer.name} ${base64(concat([signer.hash, signature]))}\n`;
  });
  if (lines.length === 0) throw new VaultError('bad-note', 'note expected at least one signer');
  return `${text}\n${lines.join('')}`;
}

/** A note whose signatures were checked. */
export interface OpenedNote {
  readonly text: string;
  /** Names of the given keys that signed it; at least one. */
  readonly signers: readonly string[];
}

/**
 * The text of a note that at least one of the keys signed. Signatures of other keys are skipped; a
 * wrong signature of a given key refuses the note. Throws `bad-note` and `bad-key`.
 */
export function openNote(note: string, verifierKeys: readonly string[]): OpenedNote {
  const { text, lines } = splitNote(note);
  const keys = verifierKeys.map(readVerifier);
  const signers = new Set<string>();
  for (const line of lines) {
    const signature = readSignature(line);
    const key = keys.find(
      (each) => each.name === signature.name && equalBytes(each.hash, signature.hash),
    );
    if (key === undefined || signers.has(key.name)) continue;
    if (!verify(null, utf8(text), publicKeyFrom(key.raw), signature.bytes)) {
      throw badNote(`has a wrong signature of ${key.name}`);
    }
    signers.add(key.name);
  }
  if (signers.size === 0) throw badNote('is signed by none of the given keys');
  return { text, signers: [...signers] };
}

/** Text and signature lines of a note, nothing of it verified; throws `bad-note`. */
export function splitNote(note: string): { text: string; lines: string[] } {
  if (note.length > noteCharactersMax) throw badNote('is too long');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) throw badNote('has no signatures');
  const text = note.slice(0, split + 1);
  checkText(text);
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > signatureLinesMax) throw badNote('has too many signatures');
  return { text, lines };
}

/** A signature line; throws `bad-note`. */
export function readSignature(line: string): { name: string; hash: Bytes; bytes: Bytes } {
  const [, name = '', encoded = ''] = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isName(name) || bytes.length < 5 || base64(bytes) !== encoded) {
    throw badNote('has a malformed signature');
  }
  return { name, hash: bytes.slice(0, 4), bytes: bytes.slice(4) };
}

/** A signer key from its text; throws `bad-key`. */
export function readSigner(text: string): NoteKey & { key: KeyObject; publicBytes: Bytes } {
  const parts = text.startsWith('PRIVATE+KEY+') ? readKey(text.slice(12)) : null;
  if (parts === null) throw badKey('PRIVATE+KEY+name+hash+key');
  const key = createPrivateKey({
    key: Buffer.from(concat([pkcs8Prefix, parts.raw])),
    format: 'der',
    type: 'pkcs8',
  });
  const publicBytes = rawPublic(createPublicKey(key));
  if (!equalBytes(hashOf(parts.name, publicBytes), parts.hash)) throw badKey('its own hash');
  return { ...parts, key, publicBytes };
}

function readVerifier(text: string): NoteKey {
  const parts = readKey(text);
  if (parts === null) throw badKey('name+hash+key');
  if (!equalBytes(hashOf(parts.name, parts.raw), parts.hash)) throw badKey('its own hash');
  return parts;
}

/** A key of an algorithm from its text; null for any other. */
export function readKey(text: string, algorithm: number = ed25519): NoteKey | null {
  // The name and the hash have no plus, the base64 may have several.
  const match = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (match === null) return null;
  const [, name = '', hash = '', encoded = ''] = match;
  const bytes = fromBase64(encoded);
  if (bytes[0] !== algorithm || bytes.length !== 33 || !isName(name)) return null;
  return { name, hash: fromHex(hash), raw: bytes.slice(1) };
}

function encode(raw: Uint8Array): string {
  return base64(concat([Uint8Array.of(ed25519), raw]));
}

/** Four bytes by which a key is known. */
export function hashOf(name: string, publicBytes: Uint8Array, algorithm: number = ed25519): Bytes {
  const hash = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(algorithm));
  return new Uint8Array(hash.update(publicBytes).digest().subarray(0, 4));
}

function rawPublic(key: KeyObject): Bytes {
  const der = key.export({ type: 'spki', format: 'der' });
  return new Uint8Array(der.subarray(spkiPrefix.length));
}

/** An Ed25519 key from its 32 bytes. */
export function publicKeyFrom(raw: Uint8Array): KeyObject {
  const der = Buffer.from(concat([spkiPrefix, raw]));
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

function checkText(text: string): void {
  if (!text.endsWith('\n')) throw badNote('text expected to end with a line feed');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids exactly these
  if (/[\x00-\x09\x0b-\x1f]/.test(text) || !text.isWellFormed()) {
    throw badNote('text has control characters');
  }
}

function isName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+]/u.test(name);
}

function badNote(what: string): VaultError {
  return new VaultError('bad-note', `note ${what}`);
}

function badKey(expected: string): VaultError {
  return new VaultError('bad-key', `note key expected ${expected}`);
}
