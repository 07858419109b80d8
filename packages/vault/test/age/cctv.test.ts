/** The public CCTV vectors of age: all of them, whole, in pieces and byte by byte. */
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import * as cctv from 'cctv-age';
import { describe, expect, it } from 'vitest';
import { type OpenIdentity, open, passphraseIdentity } from '../../src/index.ts';
import { inPieces } from '../support.ts';

const vectors = Object.entries(cctv as unknown as Readonly<Record<string, Uint8Array>>);
/** Byte by byte a file of megabytes would take minutes; those go by odd pieces. */
const byteByByteMax = 20_000;

interface Vector {
  readonly expect: string;
  readonly payload: string | undefined;
  readonly identities: readonly OpenIdentity[];
  readonly file: Uint8Array;
}

function readVector(raw: Uint8Array): Vector {
  const text = Buffer.from(raw).toString('latin1');
  const split = text.indexOf('\n\n');
  const pairs = text.slice(0, split).split('\n');
  const all = (key: string): string[] =>
    pairs.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
  const body = raw.subarray(split + 2);
  const file = all('compressed')[0] === 'zlib' ? new Uint8Array(inflateSync(body)) : body;
  const named = [...all('identity'), ...all('passphrase').map((each) => passphraseIdentity(each))];
  return {
    expect: all('expect')[0] ?? '',
    payload: all('payload')[0],
    // Vectors of unreadable headers name nobody; opening asks for somebody all the same.
    identities: named.length > 0 ? named : [passphraseIdentity('nobody')],
    file,
  };
}

interface Outcome {
  readonly code: string;
  readonly digest: string;
}

async function outcomeOf({ file, identities }: Vector, pieceBytes: number): Promise<Outcome> {
  const hash = createHash('sha256');
  let code = 'success';
  try {
    for await (const part of open(inPieces(file, pieceBytes), { identities })) hash.update(part);
  } catch (error) {
    code = (error as { code: string }).code;
  }
  return { code, digest: hash.digest('hex') };
}

describe('the CCTV vectors', () => {
  it('are all there', () => expect(vectors.length).toBeGreaterThanOrEqual(140));

  it.each(vectors)('%s', async (_, raw) => {
    const vector = readVector(raw);
    // One message covers all refusals on purpose, so that nobody learns which half failed.
    const code = vector.expect === 'success' ? 'success' : 'cannot-open';
    const small = vector.file.length <= byteByByteMax;
    for (const pieceBytes of [vector.file.length + 1, 65_553, small ? 1 : 4097]) {
      const outcome = await outcomeOf(vector, pieceBytes);
      expect(outcome.code).toBe(code);
      if (vector.payload !== undefined) expect(outcome.digest).toBe(vector.payload);
    }
  });
});
