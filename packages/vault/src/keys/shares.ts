/**
 * A secret in printable shares, some of which together give it back (Shamir 1979, over GF(2^8)).
 * A share carries a checksum of its own, and a mark of its secret: neither typing errors nor shares
 * of another secret go unnoticed.
 */
import { type Bytes, concat, equalBytes, fromUtf8, sha256, utf8, wipe } from '@merlon/core';
import { base32nopad } from '@scure/base';
import { combine, split } from 'shamir-secret-sharing';
import { VaultError } from '../error.ts';

const prefix = 'MERLON-SHARE-';
const version = 1;
const markBytes = 4;
const checkBytes = 4;
const groupCharacters = 5;

/** Splits a text; any `threshold` of the shares give it back, fewer tell nothing of it. */
export async function splitSecret(
  secret: string,
  of: { readonly shares: number; readonly threshold: number },
): Promise<string[]> {
  const bytes = utf8(secret);
  const mark = markOf(bytes);
  const parts = await split(bytes, of.shares, of.threshold);
  wipe(bytes);
  return parts.map((part) => printed(concat([Uint8Array.of(version, of.threshold), mark, part])));
}

/** The text of enough shares; throws `bad-share` that says which share is wrong or missing. */
export async function joinShares(texts: readonly string[]): Promise<string> {
  const shares = texts.map((text, index) => readShare(text, index + 1));
  const [first] = shares;
  if (first === undefined) throw badShare('expected shares, got none');
  for (const [index, share] of shares.entries()) {
    if (!equalBytes(share.mark, first.mark)) {
      throw badShare(`share ${index + 1} is of another secret than share 1`);
    }
  }
  // The same share given twice is one share.
  const distinct = new Map(shares.map((share) => [Buffer.from(share.part).toString('hex'), share]));
  if (distinct.size < first.threshold) {
    throw badShare(`expected ${first.threshold} shares, got ${distinct.size}`);
  }
  const bytes = new Uint8Array(await combine([...distinct.values()].map(({ part }) => part)));
  try {
    if (!equalBytes(markOf(bytes), first.mark)) throw badShare('the shares do not fit together');
    return fromUtf8(bytes);
  } finally {
    wipe(bytes);
  }
}

interface Share {
  readonly threshold: number;
  readonly mark: Uint8Array;
  readonly part: Uint8Array;
}

function printed(body: Uint8Array): string {
  const text = base32nopad.encode(concat([body, sha256(body).subarray(0, checkBytes)]));
  const groups = text.match(new RegExp(`.{1,${groupCharacters}}`, 'g')) ?? [];
  return `${prefix}${groups.join('-')}`;
}

function readShare(text: string, number: number): Share {
  const bare = text.toUpperCase().replace(/\s+/g, '');
  if (!bare.startsWith(prefix)) {
    throw badShare(`share ${number} expected a text that begins with ${prefix}`);
  }
  const bytes = decode(bare.slice(prefix.length).replaceAll('-', ''));
  const body = bytes?.subarray(0, -checkBytes) ?? new Uint8Array(0);
  const sound =
    bytes !== null &&
    body.length > 2 + markBytes + 1 &&
    equalBytes(sha256(body).subarray(0, checkBytes), bytes.subarray(-checkBytes));
  if (!sound || body[0] !== version) throw badShare(`share ${number} was not typed as printed`);
  return {
    threshold: body[1] ?? 0,
    mark: body.subarray(2, 2 + markBytes),
    part: body.slice(2 + markBytes),
  };
}

function decode(text: string): Uint8Array | null {
  try {
    return base32nopad.decode(text);
  } catch {
    // Its message would repeat what was typed.
    return null;
  }
}

/** Enough of a hash to know the secret again, far too little to find it. */
function markOf(secret: Uint8Array): Bytes {
  return sha256(concat([utf8('merlon share'), secret])).slice(0, markBytes);
}

function badShare(message: string): VaultError {
  return new VaultError('bad-share', message, {
    hint: 'type each share exactly as it was printed, dashes and case do not matter',
  });
}
