/**
 * Witnesses (C2SP tlog-cosignature, cosignature/v1): whoever has seen that a log only grew signs
 * its checkpoint with the time; a log that shows two faces then needs false witnesses, too.
 */
import { sign, verify } from 'node:crypto';
import { base64, concat, equalBytes, hex, utf8 } from '@merlon/core';
import { VaultError } from '../error.ts';
import { hashOf, publicKeyFrom, readKey, readSignature, readSigner, splitNote } from './note.ts';

/** A witness's word on a checkpoint. */
export interface Cosignature {
  readonly name: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** Marks keys of witnesses, so that nobody mistakes one for a log's. */
const algorithm = 4;
const timeBytes = 8;

/** The verifier key of a witness from its signer key (that of a note). Throws `bad-key`. */
export function witnessKeyOf(signerKey: string): string {
  const { name, publicBytes } = readSigner(signerKey);
  const encoded = base64(concat([Uint8Array.of(algorithm), publicBytes]));
  return `${name}+${hex(hashOf(name, publicBytes, algorithm))}+${encoded}`;
}

/**
 * The checkpoint with one more line: that of the witness. Before it signs, a witness checks that
 * the checkpoint follows from the last one it signed. Throws `bad-note`, `bad-key`.
 */
export function cosignCheckpoint(note: string, signerKey: string, time: number): string {
  const { text } = splitNote(note);
  const { name, key, publicBytes } = readSigner(signerKey);
  const signature = sign(null, signedText(text, time), key);
  const when = new Uint8Array(timeBytes);
  new DataView(when.buffer).setBigUint64(0, BigInt(time));
  const hash = hashOf(name, publicBytes, algorithm);
  return `${note}— ${name} ${base64(concat([hash, when, signature]))}\n`;
}

/**
 * What the given witnesses say of a checkpoint; those who say nothing are left out. Throws
 * `bad-note` for a wrong signature of one of them.
 */
export function readCosignatures(note: string, witnessKeys: readonly string[]): Cosignature[] {
  const { text, lines } = splitNote(note);
  const keys = witnessKeys.map((each) => {
    const key = readKey(each, algorithm);
    if (key !== null && equalBytes(hashOf(key.name, key.raw, algorithm), key.hash)) return key;
    throw new VaultError('bad-key', 'witness key expected name+hash+key of a cosigner');
  });
  return lines.map(readSignature).flatMap(({ name, hash, bytes }) => {
    const key = keys.find((each) => each.name === name && equalBytes(each.hash, hash));
    if (key === undefined) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const time = bytes.length > timeBytes ? Number(view.getBigUint64(0)) : 0;
    const signature = bytes.subarray(timeBytes);
    if (!verify(null, signedText(text, time), publicKeyFrom(key.raw), signature)) {
      throw new VaultError('bad-note', `note has a wrong cosignature of ${name}`);
    }
    return [{ name, time }];
  });
}

function signedText(text: string, time: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${time}\n${text}`);
}
