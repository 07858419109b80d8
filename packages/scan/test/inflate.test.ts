/** What is too large to be kept is unpacked again as it is read; it reads like any other source. */
import { gzipSync } from 'node:zlib';
import { memorySource, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { inflate } from '../src/archive/inflate.ts';
import { type Place, startAudit } from '../src/audit.ts';
import { scanLimitsDefault } from '../src/limits.ts';
import { policyOf } from '../src/policy/classify.ts';

const size = 20 * 2 ** 20 + 12_345;
/** Bytes that tell where they stand and still compress. */
const content = Uint8Array.from({ length: size }, (_, at) => (at >>> 8) ^ (at >>> 16));

describe('a large unpacked source', () => {
  it('reads the same bytes at any offset, forwards and backwards', async () => {
    const audit = startAudit('x.gz', policyOf('ml'), scanLimitsDefault);
    const descend = async (): Promise<void> => undefined;
    const place = { audit, source: memorySource(content), member: '', origin: 0, depth: 0 };
    const packed = memorySource(new Uint8Array(gzipSync(content, { level: 1 })));
    const { source, broken } = await inflate({ ...place, descend } as Place, packed, 'gzip');
    expect([source.size, broken]).toEqual([size, null]);
    const random = seeded(7);
    const lengths = [1, 17, 4096, 65_536, 65_537, 300_000, 2 ** 21];
    const forward = [0, 5, 65_535, 65_536, 2 ** 20, 2 ** 20 + 1, 2 ** 22, size - 100, size];
    const jumps = Array.from({ length: 12 }, () => random.integer(size));
    for (const [turn, offset] of [...forward, ...jumps].entries()) {
      const length = lengths[turn % lengths.length] ?? 1;
      const got = await source.read(offset, length);
      const expected = content.subarray(offset, offset + length);
      expect(Buffer.compare(got, expected), `${length} bytes at ${offset}`).toBe(0);
    }
    const [first, second] = await Promise.all([source.read(size - 9, 9), source.read(3, 9)]);
    expect([first, second]).toEqual([content.slice(-9), content.slice(3, 12)]);
  });
});
