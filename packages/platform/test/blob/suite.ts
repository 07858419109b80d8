/** What every blob store must do, whatever it is made of. */
import { manualClock, uuidv7 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gather, inPieces, sampleBytes } from '../../../vault/test/support.ts';
import { type BlobStore, piecesOf } from '../../src/blob/blob.ts';

const clock = manualClock(Date.UTC(2026, 0, 1));
const mebibyte = 1024 * 1024;

const tile = sampleBytes(100_003);

/** Bytes that repeat only after an odd number of them; much faster than random ones. */
export function manyBytes(length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += tile.length) {
    out.set(tile.subarray(0, length - at), at);
  }
  return out;
}

/** Holds a store to its word. */
export function blobSuite(name: string, open: () => Promise<BlobStore>): void {
  describe(`${name} as blob store`, () => {
    let blobs: BlobStore;
    beforeAll(async () => {
      blobs = await open();
    });
    afterAll(async () => {
      for (const each of await blobs.list()) await blobs.remove(each);
    });
    const sizes = [0, 1, 65_536, 8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 20 * mebibyte];
    it.each(sizes)('keeps %i bytes', async (size) => {
      const [name, bytes] = [uuidv7(clock), manyBytes(size)];
      expect(await blobs.put(name, inPieces(bytes, 700_001))).toBe(size);
      const source = await blobs.open(name);
      expect(source.size).toBe(size);
      expect(Buffer.compare(await gather(piecesOf(source, 65_552)), bytes)).toBe(0);
      for (const [offset, length] of [
        [0, 10],
        [size - 5, 50],
        [Math.floor(size / 2), 65_552],
        [7, 3],
        [size, 10],
      ] as const) {
        if (offset < 0) continue;
        const got = await source.read(offset, length);
        expect(Buffer.compare(got, bytes.slice(offset, offset + length))).toBe(0);
      }
      await source.close();
      expect(await blobs.list()).toContain(name);
      await blobs.remove(name);
      await blobs.remove(name);
      expect(await blobs.list()).not.toContain(name);
    });

    it.each([10, 9 * mebibyte])(
      'leaves nothing of a write of %i bytes that fails',
      async (size) => {
        const name = uuidv7(clock);
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield manyBytes(size);
          throw new Error('the source broke');
        }
        await expect(blobs.put(name, failing())).rejects.toThrow('the source broke');
        await expect(blobs.open(name)).rejects.toMatchObject({ code: 'not-found' });
        expect(await blobs.list()).not.toContain(name);
      },
    );

    it.each([10, 9 * mebibyte])('never replaces an object (%i bytes)', async (size) => {
      const name = uuidv7(clock);
      await blobs.put(name, inPieces(manyBytes(size)));
      const second = blobs.put(name, inPieces(manyBytes(size).reverse()));
      await expect(second).rejects.toMatchObject({ code: 'conflict' });
      const source = await blobs.open(name);
      expect(await source.read(0, 10)).toEqual(manyBytes(10));
      await source.close();
      await blobs.remove(name);
    });

    it('takes no name that leads elsewhere', async () => {
      for (const name of ['../etc/passwd', 'a/b', '', 'UPPERCASE', 'x'.repeat(99)]) {
        const writing = Promise.resolve().then(() => blobs.put(name, inPieces(manyBytes(1))));
        await expect(writing).rejects.toMatchObject({ code: 'internal' });
      }
    });
  });
}
