/** Checkpoints (C2SP tlog-checkpoint): origin, size and root of a log in a signed note. */
import { type Bytes, base64, fromBase64 } from '@merlon/core';
import { VaultError } from '../error.ts';
import { openNote, signNote } from './note.ts';
import { hashBytes } from './tree.ts';

/** The state of a log at one moment. */
export interface Checkpoint {
  /** Unique name of the log, such as `example.org/log`. */
  readonly origin: string;
  /** Number of records. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Further lines, none of them empty. */
  readonly extensions?: readonly string[];
}

/** A checkpoint and who signed it. */
export interface OpenedCheckpoint extends Checkpoint {
  readonly root: Bytes;
  readonly extensions: readonly string[];
  readonly signers: readonly string[];
}

/** The signed checkpoint; throws `bad-checkpoint` and what `signNote` throws. */
export function signCheckpoint(checkpoint: Checkpoint, signerKeys: readonly string[]): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  if (origin === '' || [origin, ...extensions].some((line) => line === '' || line.includes('\n'))) {
    throw badCheckpoint('an origin and extensions of one line each');
  }
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== hashBytes) {
    throw badCheckpoint(`a size and a root of ${hashBytes} bytes`);
  }
  const lines = [origin, String(size), base64(root), ...extensions];
  return signNote(`${lines.join('\n')}\n`, signerKeys);
}

/** Reads a checkpoint that the log's key signed; throws `bad-checkpoint` and `bad-note`. */
export function openCheckpoint(
  note: string,
  expected: { readonly origin: string; readonly verifierKeys: readonly string[] },
): OpenedCheckpoint {
  const { text, signers } = openNote(note, expected.verifierKeys);
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.slice(0, -1).split('\n');
  if (origin !== expected.origin) {
    throw badCheckpoint(`the origin "${expected.origin}", got "${origin.slice(0, 100)}"`);
  }
  const size = Number(sizeText);
  if (!/^(0|[1-9]\d*)$/.test(sizeText) || !Number.isSafeInteger(size)) {
    throw badCheckpoint('a size in decimal without leading zeros');
  }
  if (!/^[A-Za-z0-9+/]{43}=$/.test(rootText)) throw badCheckpoint('a root in base64');
  const root = fromBase64(rootText);
  if (base64(root) !== rootText) throw badCheckpoint('a root in canonical base64');
  if (rest.includes('')) throw badCheckpoint('no empty line');
  return { origin, size, root, extensions: rest, signers };
}

function badCheckpoint(expected: string): VaultError {
  return new VaultError('bad-checkpoint', `checkpoint expected ${expected}`);
}
