/**
 * A proof that one record is in a log, as one text (C2SP tlog-proof): what an outsider needs beside
 * the record itself and the log's key.
 */
import { base64, fromBase64 } from '@merlon/core';
import { VaultError } from '../error.ts';
import { type OpenedCheckpoint, openCheckpoint } from './checkpoint.ts';
import { checkRecord, hashBytes, recordHash } from './tree.ts';

const firstLine = 'c2sp.org/tlog-proof@v1';

/** The proof of a record: its place, the hashes beside its way to the root, the checkpoint. */
export interface RecordProof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: string;
}

/** The proof as text. */
export function formatProof({ index, hashes, checkpoint }: RecordProof): string {
  return [firstLine, `index ${index}`, ...hashes.map(base64), '', checkpoint].join('\n');
}

/** A proof from its text; throws `bad-proof`. Nothing is verified yet. */
export function parseProof(text: string): RecordProof {
  const split = text.indexOf('\n\n');
  const [first, place = '', ...lines] = text.slice(0, Math.max(0, split)).split('\n');
  const index = Number(/^index (0|[1-9]\d*)$/.exec(place)?.[1] ?? Number.NaN);
  const sound = lines.every((line) => /^[A-Za-z0-9+/]{43}=$/.test(line));
  if (first !== firstLine || !Number.isSafeInteger(index) || !sound || lines.length > 63) {
    throw new VaultError('bad-proof', `proof expected "${firstLine}", an index and hashes`, {
      hint: 'give the file that "merlon ledger prove" wrote',
    });
  }
  const hashes = lines.map(fromBase64);
  if (hashes.some((hash, i) => hash.length !== hashBytes || base64(hash) !== lines[i])) {
    throw new VaultError('bad-proof', 'proof expected hashes in canonical base64');
  }
  return { index, hashes, checkpoint: text.slice(split + 2) };
}

/**
 * The checkpoint by which the record is in the log. Throws `bad-proof`, `bad-checkpoint`,
 * `bad-note`.
 */
export function checkProof(
  text: string,
  record: Uint8Array,
  log: { readonly origin: string; readonly verifierKeys: readonly string[] },
): OpenedCheckpoint {
  const { index, hashes, checkpoint } = parseProof(text);
  const opened = openCheckpoint(checkpoint, log);
  const { size, root } = opened;
  checkRecord({ size, n: index, root, leaf: recordHash(record), proof: hashes });
  return opened;
}
