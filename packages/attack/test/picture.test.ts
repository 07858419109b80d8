import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AttackError } from '../src/error.ts';
import { examplePictures, picture } from '../src/picture.ts';

/** Reads a PNG by the specification: CRC of every chunk, header, unfiltered lines. */
function decode(file: Uint8Array) {
  const bytes = Buffer.from(file);
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  let at = 8;
  while (at < bytes.length) {
    const length = bytes.readUInt32BE(at);
    const named = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc(named));
    chunks.set(named.subarray(0, 4).toString('latin1'), named.subarray(4));
    at += 12 + length;
  }
  expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? Buffer.alloc(13);
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = header[9] === 2 ? 3 : 1;
  expect([...header.subarray(8)]).toEqual([8, channels === 3 ? 2 : 0, 0, 0, 0]);
  const lines = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  expect(lines.length).toBe(height * (1 + width * channels));
  const pixels: number[][] = [];
  for (let row = 0; row < height; row++) {
    const start = row * (1 + width * channels);
    expect(lines[start]).toBe(0);
    pixels.push([...lines.subarray(start + 1, start + 1 + width * channels)]);
  }
  return { width, height, pixels };
}

/** CRC-32 bit by bit, as annex D of the specification describes it. */
function crc(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

describe('picture', () => {
  it('draws grey elements as squares', () => {
    const file = picture(Float32Array.of(0, 0.5, 1, 2), [1, 2, 2], { zoom: 2 });
    expect(decode(file)).toEqual({
      width: 4,
      height: 4,
      pixels: [
        [0, 0, 128, 128],
        [0, 0, 128, 128],
        [255, 255, 255, 255],
        [255, 255, 255, 255],
      ],
    });
  });

  it('draws three channels as red, green and blue', () => {
    const file = picture(Float32Array.of(1, 0, 0, 0, 0, 1), [3, 1, 2], { zoom: 1 });
    expect(decode(file).pixels).toEqual([[255, 0, 0, 0, 0, 255]]);
  });

  it('draws an example with its difference around middle grey', () => {
    const clean = Float32Array.of(0, 1);
    const adversarial = Float32Array.of(0, 0.75);
    const difference = Float32Array.of(0, -0.25);
    const example = { attack: 'fgsm', shape: [1, 1, 2], label: 0, after: 1, distance: 0.25 };
    const drawn = examplePictures({ ...example, clean, adversarial, difference }, { zoom: 1 });
    expect(decode(drawn.clean).pixels).toEqual([[0, 255]]);
    expect(decode(drawn.adversarial).pixels).toEqual([[0, 191]]);
    expect(decode(drawn.difference).pixels).toEqual([[128, 0]]);
  });

  it.each([
    [[2, 1, 1], 1, 'picture expected [1 or 3, height, width], got [2, 1, 1]'],
    [[1, 1, 3], 1, 'picture expected [1 or 3, height, width], got [1, 1, 3]'],
    [[1, 1, 2], 0, '"zoom" expected 1 to 64, got 0'],
    [[1, 1, 2], 65, '"zoom" expected 1 to 64, got 65'],
  ])('refuses shape %j at zoom %i', (shape, zoom, message) => {
    const draw = () => picture(Float32Array.of(1, 2), shape, { zoom });
    expect(draw).toThrow(AttackError);
    expect(draw).toThrow(message);
  });
});
