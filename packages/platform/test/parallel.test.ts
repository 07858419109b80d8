/** Threads do what one stream does, and leave nothing behind when they fail. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@merlon/core';
import { generateIdentity, open as openStream, seal } from '@merlon/vault';
import { afterAll, describe, expect, it } from 'vitest';
import { gather, inPieces, sampleBytes } from '../../vault/test/support.ts';
import { writeWhole } from '../src/cli/files.ts';
import { openFile, sealFile } from '../src/parallel/files.ts';
import { hashFiles } from '../src/parallel/hash.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-parallel-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { identity, recipient } = await generateIdentity();
const block = 16 * 65536;
const threads = 3;

async function threaded(work: 'seal' | 'open', from: string, to: string, signal?: AbortSignal) {
  const options = { threads, ...(signal === undefined ? {} : { signal }) };
  return writeWhole(at(to), (file) =>
    work === 'seal'
      ? sealFile(at(from), file, [recipient], options)
      : openFile(at(from), file, [identity], options),
  );
}

describe('large files on threads', () => {
  it.each([0, 1, 65536, block, 3 * block - 1, 3 * block, 7 * block + 65537])(
    'seal and open %i bytes as the stream does',
    async (size) => {
      const clear = sampleBytes(size);
      writeFileSync(at('clear'), clear);
      const sealedBytes = await threaded('seal', 'clear', 'sealed');
      const sealed = new Uint8Array(readFileSync(at('sealed')));
      expect(sealedBytes).toBe(sealed.length);
      const streamed = await gather(openStream(inPieces(sealed), { identities: [identity] }));
      expect(Buffer.compare(streamed, clear)).toBe(0);
      const other = await gather(seal(inPieces(clear), { recipients: [recipient] }));
      writeFileSync(at('other'), other);
      expect(await threaded('open', 'other', 'opened')).toBe(size);
      expect(Buffer.compare(readFileSync(at('opened')), clear)).toBe(0);
    },
  );

  it('refuse a changed, a cut and a foreign file, and leave nothing', async () => {
    writeFileSync(at('clear'), sampleBytes(5 * block));
    await threaded('seal', 'clear', 'sealed');
    const sealed = new Uint8Array(readFileSync(at('sealed')));
    const changed = sealed.slice();
    changed[sealed.length - block] = (changed[sealed.length - block] ?? 0) ^ 1;
    const before = readdirSync(folder).sort();
    for (const bytes of [changed, sealed.slice(0, 3 * block), sampleBytes(1000)]) {
      writeFileSync(at('sealed'), bytes);
      await expect(threaded('open', 'sealed', 'never')).rejects.toMatchObject({
        code: 'cannot-open',
      });
    }
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('stop when they are told to', async () => {
    writeFileSync(at('clear'), sampleBytes(5 * block));
    const before = readdirSync(folder).sort();
    const stop = AbortSignal.abort(new Error('stopped'));
    await expect(threaded('seal', 'clear', 'never', stop)).rejects.toThrow('stopped');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('hash many files in order', async () => {
    const paths = [70_000_000, 0, 10, 3_000_000].map((size, i) => {
      writeFileSync(at(`hash${i}`), Buffer.alloc(size, i));
      return at(`hash${i}`);
    });
    const digests = await hashFiles(paths, { threads });
    expect(digests).toEqual(paths.map((path) => digestOf(new Uint8Array(readFileSync(path)))));
    await expect(hashFiles([...paths, at('missing')])).rejects.toThrow('no such file');
  });

  it('tell a full disk', async () => {
    writeFileSync(at('clear'), sampleBytes(block));
    const full = await open('/dev/full', 'w');
    const sealing = sealFile(at('clear'), full, [recipient], { threads });
    await expect(sealing).rejects.toThrow(/no space left/);
    await full.close();
  });
});
