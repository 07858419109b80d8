/** Random access reads what the stream reads, and touches only what it needs. */
import { type ByteSource, memorySource, utf8 } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateIdentity, openRandomAccess, seal } from '../../src/index.ts';
import { gather, inPieces, sampleBytes } from '../support.ts';

const { identity, recipient } = await generateIdentity();
const identities = [identity];
const clear = sampleBytes(5 * 65536 + 123);
const file = await gather(seal(inPieces(clear), { recipients: [recipient] }));

function counted(bytes: Uint8Array): ByteSource & { bytesRead(): number } {
  let total = 0;
  const source = memorySource(bytes);
  return {
    size: source.size,
    read: async (offset, length) => {
      const part = await source.read(offset, length);
      total += part.length;
      return part;
    },
    bytesRead: () => total,
  };
}

describe('openRandomAccess', () => {
  it.each([0, 1, 65535, 65536, 65537, 131072])('knows the size of %i bytes', async (size) => {
    const sealed = await gather(
      seal(inPieces(clear.subarray(0, size)), { recipients: [recipient] }),
    );
    const source = await openRandomAccess(memorySource(sealed), { identities });
    expect(source.size).toBe(size);
    expect(await source.read(0, size)).toEqual(clear.slice(0, size));
  });

  it('reads any range', async () => {
    const source = await openRandomAccess(memorySource(file), { identities });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: clear.length + 10 }),
        fc.integer({ min: 0, max: 140_000 }),
        async (offset, length) => {
          const got = await source.read(offset, length);
          expect(Buffer.compare(got, clear.slice(offset, offset + length))).toBe(0);
        },
      ),
      { numRuns: 60, seed: 2 },
    );
  });

  it('opens only the chunks that a read touches, and keeps them', async () => {
    const source = counted(file);
    const opened = await openRandomAccess(source, { identities });
    const before = source.bytesRead();
    expect(before).toBeLessThan(4096 + 65552);
    await opened.read(2 * 65536 + 5, 10);
    expect(source.bytesRead() - before).toBe(65552);
    await opened.read(2 * 65536 + 900, 10);
    expect(source.bytesRead() - before).toBe(65552);
  });

  it('refuses a file cut at a chunk border at once', async () => {
    const last = 123 + 16;
    const cut = file.slice(0, file.length - last);
    const refusal = { code: 'cannot-open' };
    await expect(openRandomAccess(memorySource(cut), { identities })).rejects.toMatchObject(
      refusal,
    );
    for (const bytes of [file.slice(0, 100), utf8('nothing'), file.slice(0, -1)]) {
      const opening = openRandomAccess(memorySource(bytes), { identities });
      await expect(opening).rejects.toMatchObject(refusal);
    }
  });

  it('refuses a changed chunk when it is read', async () => {
    const changed = file.slice();
    const at = file.length - 123 - 16 - 2 * 65552;
    changed[at] = (changed[at] ?? 0) ^ 1;
    const source = await openRandomAccess(memorySource(changed), { identities });
    expect(await source.read(0, 10)).toEqual(clear.slice(0, 10));
    await expect(source.read(3 * 65536, 10)).rejects.toMatchObject({ code: 'cannot-open' });
    await expect(source.read(-1, 10)).rejects.toMatchObject({ code: 'bad-input' });
  });
});
