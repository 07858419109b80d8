import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base64,
  concat,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  utf8,
  wipe,
} from '../src/bytes.ts';
import { digestHex, digestOf, sha256, startDigest, toDigest } from '../src/digest.ts';
import { memorySource, readAll, windowOf } from '../src/source.ts';

describe('bytes', () => {
  it('come back from their texts', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(fromHex(hex(bytes))).toEqual(bytes);
        expect(fromBase64(base64(bytes))).toEqual(bytes);
        expect(equalBytes(concat([bytes.subarray(0, 3), bytes.subarray(3)]), bytes)).toBe(true);
      }),
      { seed: 1 },
    );
    expect(fromUtf8(utf8('Merlon ✓'))).toBe('Merlon ✓');
  });
  it('refuse texts that are none', () => {
    expect(() => fromHex('abc')).toThrow('expected hexadecimal text');
    expect(() => fromBase64('a b')).toThrow('expected base64 text');
    expect(() => fromUtf8(Uint8Array.of(0xff))).toThrow(TypeError);
  });
  it('differ by length or by one bit, and are wiped', () => {
    const secret = utf8('secret');
    expect(equalBytes(secret, utf8('secre'))).toBe(false);
    expect(equalBytes(secret, utf8('secres'))).toBe(false);
    wipe(secret);
    expect(hex(secret)).toBe('000000000000');
  });
});

describe('digests', () => {
  it('are SHA-256, whole and running', () => {
    // FIPS 180-4, example "abc".
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(digestOf(utf8('abc'))).toBe(`sha256:${abc}`);
    expect(hex(sha256(utf8('abc')))).toBe(abc);
    const running = startDigest();
    for (const letter of 'abc') running.update(utf8(letter));
    expect(digestHex(running.finish())).toBe(abc);
    expect(toDigest(abc)).toBe(toDigest(`sha256:${abc}`));
    expect(createHash('sha256').update('abc').digest('hex')).toBe(abc);
  });
  it.each(['', 'sha256:', 'ABC', 'sha512:00', 'g'.repeat(64)])('refuse "%s"', (text) => {
    expect(() => toDigest(text)).toThrow(`digest expected 64 hexadecimal digits, got "${text}"`);
  });
});

describe('sources', () => {
  const source = memorySource(utf8('0123456789'));
  it('give windows that cannot be left', async () => {
    const middle = windowOf(source, 2, 5);
    expect(fromUtf8(await middle.read(0, 5))).toBe('23456');
    expect(fromUtf8(await middle.read(3, 100))).toBe('56');
    expect(await middle.read(9, 1)).toHaveLength(0);
    expect(fromUtf8(await windowOf(middle, 1, 2).read(0, 9))).toBe('34');
    expect(() => windowOf(source, 5, 6)).toThrow('window 5+6 lies outside 10 bytes');
  });
  it('are read whole only below a limit', async () => {
    expect(await readAll(source, 10)).toHaveLength(10);
    await expect(readAll(source, 9)).rejects.toMatchObject({
      code: 'too-large',
      message: 'expected at most 9 bytes, got 10',
    });
  });
});
