/**
 * The header of an age v1 file: recipients' stanzas and their MAC. The stanzas are written and
 * read by `age-encryption`; a recipient of our own that adds no stanza sees the file key.
 */
import { hkdfSync } from 'node:crypto';
import { type Bytes, equalBytes, fromUtf8, messageOf, utf8, wipe } from '@merlon/core';
import { Decrypter, Encrypter } from 'age-encryption';
import { cannotOpen, openFaultOf, VaultError } from '../error.ts';
import {
  hasNativeHybrid,
  hybridIdentity,
  hybridRecipient,
  isHybridIdentity,
  isHybridRecipient,
} from './hybrid.ts';
import type { OpenIdentity, SealRecipient } from './identity.ts';
import type { Intake } from './intake.ts';
import { isSshIdentity, isSshRecipient, sshIdentity, sshRecipient } from './ssh.ts';

/** The most bytes a header may have: room for about 400 post-quantum recipients. */
export const headerBytesMax = 1 << 20;
/** Random bytes between header and payload. */
export const nonceBytes = 16;

const versionLine = 'age-encryption.org/v1';
const macBytes = 16;
/** What the library says when no stanza is for any identity. */
const noMatch = 'no identity matched';

/** A header and the key it carries. */
export interface Header {
  readonly bytes: Bytes;
  readonly fileKey: Bytes;
}

/** A fresh file key, wrapped for every recipient. Throws `bad-recipient`. */
export async function writeHeader(recipients: readonly SealRecipient[]): Promise<Header> {
  return headerFor(recipients, null);
}

/**
 * The header of a sealed file for other recipients: the payload behind it stays as it is. Throws
 * `cannot-open`, `bad-identity`, `bad-recipient`.
 */
export async function rewriteHeader(
  intake: Intake,
  identities: readonly OpenIdentity[],
  recipients: readonly SealRecipient[],
): Promise<{ readonly bytes: Bytes; readonly oldBytes: number }> {
  const old = await readHeader(intake, identities);
  try {
    const { bytes, fileKey } = await headerFor(recipients, old.fileKey);
    const same = equalBytes(fileKey, old.fileKey);
    wipe(fileKey);
    // Should the library ever hand each recipient a key of its own, nothing may come of it.
    if (!same) throw new VaultError('bad-recipient', 'the new header carries another key');
    return { bytes, oldBytes: old.bytes.length };
  } finally {
    wipe(old.fileKey);
  }
}

async function headerFor(
  recipients: readonly SealRecipient[],
  given: Bytes | null,
): Promise<Header> {
  if (recipients.length === 0) {
    throw new VaultError('bad-recipient', 'expected at least one recipient, got none');
  }
  refuseMixture(recipients);
  const encrypter = new Encrypter();
  const seen: Bytes[] = [];
  if (given !== null) {
    // The library makes the key and hands the same array to one recipient after the other.
    encrypter.addRecipient({
      wrapFileKey: (fileKey) => {
        fileKey.set(given);
        return [];
      },
    });
  }
  for (const recipient of recipients) addRecipient(encrypter, recipient);
  encrypter.addRecipient({
    wrapFileKey: (fileKey) => {
      seen.push(new Uint8Array(fileKey));
      return [];
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array(0));
  const [fileKey] = seen;
  if (fileKey === undefined) throw new VaultError('bad-recipient', 'no recipient took the key');
  return {
    bytes: new Uint8Array(empty.subarray(0, empty.length - nonceBytes - macBytes)),
    fileKey,
  };
}

/** Reads the header from the intake and unwraps its file key. Throws `cannot-open`. */
export async function readHeader(
  intake: Intake,
  identities: readonly OpenIdentity[],
): Promise<Header> {
  const decrypter = new Decrypter();
  if (identities.length === 0) {
    throw new VaultError('bad-identity', 'expected at least one identity, got none');
  }
  for (const identity of identities) addIdentity(decrypter, identity);
  const bytes = await takeHeader(intake);
  try {
    return { bytes, fileKey: new Uint8Array(await decrypter.decryptHeader(bytes)) };
  } catch (thrown) {
    const matched = !messageOf(thrown).startsWith(noMatch);
    throw cannotOpen(thrown, openFaultOf(thrown) ?? (matched ? 'damaged' : 'wrong-key'));
  }
}

/** Length in bytes of the header in front of the intake; nothing of it is opened. */
export async function headerLength(intake: Intake): Promise<number> {
  return (await takeHeader(intake)).length;
}

/** The payload key of age v1: HKDF-SHA256 over the file key with the nonce; wipes the file key. */
export function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Bytes {
  const key = new Uint8Array(hkdfSync('sha256', fileKey, nonce, utf8('payload'), 32));
  wipe(fileKey);
  return key;
}

async function takeHeader(intake: Intake): Promise<Bytes> {
  const first = await intake.peek(versionLine.length + 1);
  if (!startsWithVersion(first)) {
    throw new VaultError(
      'cannot-open',
      `cannot open: expected a file that begins with "${versionLine}"`,
      {
        hint: 'this is not a sealed file, or its beginning was changed',
      },
    );
  }
  const bytes = await intake.takeThroughLine('--- ', headerBytesMax);
  if (bytes === null) throw cannotOpen();
  return bytes;
}

function startsWithVersion(bytes: Uint8Array): boolean {
  try {
    return fromUtf8(bytes) === `${versionLine}\n`;
  } catch {
    return false;
  }
}

function addRecipient(encrypter: Encrypter, recipient: SealRecipient): void {
  if (typeof recipient === 'string' && isSshRecipient(recipient)) {
    encrypter.addRecipient(sshRecipient(recipient));
    return;
  }
  if (typeof recipient === 'string' && hasNativeHybrid && isHybridRecipient(recipient)) {
    encrypter.addRecipient(hybridRecipient(recipient));
    return;
  }
  try {
    encrypter.addRecipient(recipient);
  } catch (thrown) {
    throw new VaultError('bad-recipient', `expected age1… or age1pq1…: ${messageOf(thrown)}`, {
      hint: 'a recipient is the public line that "merlon keys new" prints',
      cause: thrown,
    });
  }
}

function addIdentity(decrypter: Decrypter, identity: OpenIdentity): void {
  if (typeof identity === 'string' && isSshIdentity(identity)) {
    decrypter.addIdentity(sshIdentity(identity));
    return;
  }
  if (typeof identity === 'string' && hasNativeHybrid && isHybridIdentity(identity)) {
    decrypter.addIdentity(hybridIdentity(identity));
    return;
  }
  try {
    decrypter.addIdentity(identity);
  } catch (thrown) {
    throw new VaultError('bad-identity', 'expected AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…', {
      cause: thrown,
    });
  }
}

/** As in age: a classical recipient would undo the post-quantum ones; passphrases stand alone. */
function refuseMixture(recipients: readonly SealRecipient[]): void {
  const kinds = new Set(recipients.map(kindOf));
  const alone = kinds.has('custom') && recipients.length > 1;
  if (kinds.size > 1 || alone) {
    const got = [...kinds].join(', ');
    throw new VaultError('bad-recipient', `expected recipients of one kind, got ${got}`, {
      hint: 'seal to post-quantum recipients only, or to others only; a passphrase stands alone',
    });
  }
}

function kindOf(recipient: SealRecipient): string {
  if (typeof recipient !== 'string') return 'custom';
  return /^age1(tag)?pq1/.test(recipient) ? 'post-quantum' : 'classical';
}
