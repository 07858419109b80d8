/** The transparency log against vectors recorded with Go's sumdb, and its own laws. */
import { readFileSync } from 'node:fs';
import { base64, fromBase64, utf8 } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkRecord,
  checkTree,
  entryBundle,
  generateNoteKey,
  type HashReader,
  newTiles,
  openCheckpoint,
  openNote,
  parseTilePath,
  proveRecord,
  proveTree,
  readEntryBundle,
  recordHash,
  signCheckpoint,
  signNote,
  splitStoredHashIndex,
  storedHashCount,
  storedHashes,
  storedHashIndex,
  tileData,
  tilePath,
  tileReader,
  treeHash,
  verifierKeyOf,
} from '../../src/index.ts';

interface ProofCase {
  size: number;
  other: number;
  proof: string[];
}
interface Vectors {
  signerKey: string;
  verifierKey: string;
  note: string;
  records: string[];
  storedHashes: string[];
  roots: string[];
  inclusion: ProofCase[];
  consistency: ProofCase[];
}

const path = new URL('../../../../vectors/log/tlog.json', import.meta.url);
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors;
const origin = 'merlon.example/log';

function readerOf(stored: readonly Uint8Array[]): HashReader {
  return {
    read: async (indexes) =>
      indexes.map((index) => {
        const hash = stored[index];
        if (hash === undefined) throw new Error(`no hash ${index}`);
        return hash;
      }),
  };
}

async function grow(records: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const stored: Uint8Array[] = [];
  for (const [n, record] of records.entries()) {
    stored.push(...(await storedHashes(n, recordHash(record), readerOf(stored))));
  }
  return stored;
}

const records = vectors.records.map(fromBase64);
const stored = await grow(records);
const reader = readerOf(stored);
const root = (size: number): Uint8Array => fromBase64(vectors.roots[size] ?? '');
const bad = expect.objectContaining({ code: 'bad-proof' });

describe('the tree', () => {
  it('stores the hashes that Go stores', () => {
    expect(stored.map(base64)).toEqual(vectors.storedHashes);
  });

  it('has the roots that Go has, the empty one included', async () => {
    for (const [size, expected] of vectors.roots.entries()) {
      expect(base64(await treeHash(size, reader))).toBe(expected);
    }
  });

  it('counts and places its hashes', () => {
    for (let n = 0, count = 0; n < 600; n++) {
      expect(storedHashCount(n)).toBe(count);
      for (let level = 0, rest = n; ; level++, rest = Math.floor(rest / 2)) {
        expect(storedHashIndex(level, rest)).toBe(count);
        expect(splitStoredHashIndex(count)).toEqual({ level, n: rest });
        count++;
        if (rest % 2 === 0) break;
      }
    }
    expect(splitStoredHashIndex(storedHashIndex(3, 2 ** 40))).toEqual({ level: 3, n: 2 ** 40 });
  });

  it('gives the proofs that Go gives, and accepts them', async () => {
    for (const { size, other, proof } of vectors.inclusion) {
      expect((await proveRecord(size, other, reader)).map(base64)).toEqual(proof);
      const leaf = recordHash(records[other] ?? utf8(''));
      const claim = { size, root: root(size), n: other, leaf, proof: proof.map(fromBase64) };
      expect(() => checkRecord(claim)).not.toThrow();
    }
    for (const { size, other, proof } of vectors.consistency) {
      expect((await proveTree(size, other, reader)).map(base64)).toEqual(proof);
      const claim = {
        newer: size,
        newerRoot: root(size),
        older: other,
        olderRoot: root(other),
        proof: proof.map(fromBase64),
      };
      expect(() => checkTree(claim)).not.toThrow();
    }
  });

  it('proves every record and every beginning, and nothing else', async () => {
    const place = fc.integer({ min: 1, max: 70 });
    await fc.assert(
      fc.asyncProperty(place, fc.nat(), fc.nat(), async (size, at, wrong) => {
        const n = at % size;
        const leaf = recordHash(records[n] ?? utf8(''));
        const proof = await proveRecord(size, n, reader);
        const claim = { size, root: root(size), n, leaf, proof };
        checkRecord(claim);
        expect(() => checkRecord({ ...claim, leaf: recordHash(utf8('other')) })).toThrow(bad);
        expect(() => checkRecord({ ...claim, root: root(0) })).toThrow(bad);
        expect(() => checkRecord({ ...claim, proof: [...proof, leaf] })).toThrow(bad);
        expect(() => checkRecord({ ...claim, n: size })).toThrow(bad);
        const older = 1 + (wrong % size);
        const consistency = await proveTree(size, older, reader);
        const trees = {
          newer: size,
          newerRoot: root(size),
          older,
          olderRoot: root(older),
          proof: consistency,
        };
        checkTree(trees);
        if (older < size) {
          expect(() => checkTree({ ...trees, olderRoot: root(0) })).toThrow(bad);
          expect(() => checkTree({ ...trees, newerRoot: root(0) })).toThrow(bad);
          expect(() => checkTree({ ...trees, proof: consistency.slice(1) })).toThrow(bad);
        }
      }),
      { numRuns: 80, seed: 4 },
    );
  });

  it('refuses places outside', async () => {
    await expect(proveRecord(5, 5, reader)).rejects.toMatchObject({
      code: 'bad-proof',
      message: 'record expected in 0 … 4, got 5',
    });
    await expect(proveTree(5, 6, reader)).rejects.toMatchObject({
      message: 'older tree expected 1 … 5 records, got 6',
    });
    await expect(treeHash(-1, reader)).rejects.toMatchObject({ code: 'bad-proof' });
  });
});

describe('tiles', () => {
  it('have one path each', () => {
    const paths: [string, ReturnType<typeof parseTilePath>][] = [
      ['tile/0/000', { level: 0, index: 0, width: 256 }],
      ['tile/0/x001/x234/067.p/8', { level: 0, index: 1_234_067, width: 8 }],
      ['tile/3/x001/000', { level: 3, index: 1000, width: 256 }],
      ['tile/entries/999.p/255', { level: 'entries', index: 999, width: 255 }],
    ];
    for (const [text, tile] of paths) {
      expect(parseTilePath(text)).toEqual(tile);
      expect(tilePath(tile)).toBe(text);
    }
    const wrong = [
      'tile/0/x000/001',
      'tile/0/1',
      'tile/0/000.p/0',
      'tile/0/000.p/256',
      'tile/00/000',
    ];
    for (const text of [...wrong, 'tile/0/000.p/08', '../tile/0/000', 'tile/0/000/']) {
      expect(() => parseTilePath(text), text).toThrow(
        expect.objectContaining({ code: 'bad-tile' }),
      );
    }
  });

  it('let an outsider check the log', async () => {
    const many = Array.from({ length: 700 }, (_, i) => utf8(`entry ${i}`));
    const all = readerOf(await grow(many));
    const published = new Map<string, Uint8Array>();
    let size = 0;
    for (const next of [3, 255, 256, 300, 700]) {
      for (const tile of newTiles(size, next)) {
        const data =
          tile.level === 'entries'
            ? entryBundle(many.slice(tile.index * 256, tile.index * 256 + tile.width))
            : await tileData(tile, all);
        published.set(tilePath(tile), data);
      }
      size = next;
      const outside = tileReader(size, async (tile) => {
        const data = published.get(tilePath(tile));
        if (data === undefined) throw new Error(`no ${tilePath(tile)}`);
        return data;
      });
      const whole = await treeHash(size, all);
      expect(await treeHash(size, outside)).toEqual(whole);
      const n = Math.floor(size / 2);
      const proof = await proveRecord(size, n, outside);
      const leaf = recordHash(many[n] ?? utf8(''));
      expect(() => checkRecord({ size, root: whole, n, leaf, proof })).not.toThrow();
    }
    expect([...published.keys()].filter((key) => !key.includes('.p/'))).toEqual([
      'tile/entries/000',
      'tile/0/000',
      'tile/entries/001',
      'tile/0/001',
    ]);
    const bundle = published.get('tile/entries/002.p/188') ?? utf8('');
    expect(readEntryBundle(bundle)).toEqual(many.slice(512));
    expect(() => readEntryBundle(bundle.subarray(0, -1))).toThrow('entry bundle ends early');
    expect(() => entryBundle([new Uint8Array(65536)])).toThrow('at most 65535 bytes, got 65536');
  });
});

describe('notes and checkpoints', () => {
  const keys = [vectors.verifierKey];
  it('read what Go signed, and sign the same bytes', () => {
    const checkpoint = openCheckpoint(vectors.note, { origin, verifierKeys: keys });
    expect(checkpoint).toEqual({
      origin,
      size: 70,
      root: root(70),
      extensions: [],
      signers: [origin],
    });
    expect(signCheckpoint(checkpoint, [vectors.signerKey])).toBe(vectors.note);
    expect(verifierKeyOf(vectors.signerKey)).toBe(vectors.verifierKey);
  });

  it('carry extensions and several signatures', () => {
    const log = generateNoteKey(origin);
    const witness = generateNoteKey('witness.example');
    const note = signCheckpoint({ origin, size: 0, root: root(0), extensions: ['time 1'] }, [
      log.signerKey,
      witness.signerKey,
    ]);
    const opened = openCheckpoint(note, { origin, verifierKeys: [log.verifierKey] });
    expect(opened).toMatchObject({ size: 0, extensions: ['time 1'], signers: [origin] });
    expect(openNote(note, [witness.verifierKey]).signers).toEqual(['witness.example']);
  });

  it('refuse every change', () => {
    for (let at = 0; at < vectors.note.length; at++) {
      const letter = vectors.note[at] === 'x' ? 'y' : 'x';
      const changed = vectors.note.slice(0, at) + letter + vectors.note.slice(at + 1);
      expect(() => openCheckpoint(changed, { origin, verifierKeys: keys }), `at ${at}`).toThrow();
    }
  });

  it.each([
    ['another origin', 'other.example/log\n1\nROOT\n', 'bad-checkpoint'],
    ['a size with zeros', `${origin}\n01\nROOT\n`, 'bad-checkpoint'],
    ['a huge size', `${origin}\n99999999999999999999\nROOT\n`, 'bad-checkpoint'],
    ['a short root', `${origin}\n1\nAAAA\n`, 'bad-checkpoint'],
    ['no root', `${origin}\n1\n`, 'bad-checkpoint'],
    ['an empty extension', `${origin}\n1\nROOT\n\nx\n`, 'bad-checkpoint'],
  ])('refuse %s, though signed', (_, text, code) => {
    const note = signNote(text.replace('ROOT', vectors.roots[1] ?? ''), [vectors.signerKey]);
    expect(() => openCheckpoint(note, { origin, verifierKeys: keys })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('refuse notes and keys that are none', () => {
    expect(() => openNote('no signature', keys)).toThrow('note has no signatures');
    expect(() => openNote('text\n\n— a b\n', keys)).toThrow('note has a malformed signature');
    const other = generateNoteKey('other');
    expect(() => openNote(vectors.note, [other.verifierKey])).toThrow(
      'note is signed by none of the given keys',
    );
    expect(() => signNote('no line feed', [other.signerKey])).toThrow('line feed');
    expect(() => signNote('tab\t\n', [other.signerKey])).toThrow('control characters');
    expect(() => signNote('a\n', [])).toThrow('at least one signer');
    expect(() => generateNoteKey('with space')).toThrow('no spaces and no plus');
    expect(() => openNote(vectors.note, ['x'])).toThrow(
      expect.objectContaining({ code: 'bad-key' }),
    );
    const forged = vectors.verifierKey.replace('7f0e330b', '00000000');
    expect(() => openNote(vectors.note, [forged])).toThrow('note key expected its own hash');
    expect(() => signNote('a\n', [vectors.verifierKey])).toThrow('PRIVATE+KEY');
  });
});
