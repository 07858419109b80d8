/**
 * Pictures of examples as PNG (W3C PNG, third edition, sections 5 and 11): 8-bit grey or RGB, no
 * filter, one IDAT chunk.
 */
import { crc32, deflateSync } from 'node:zlib';
import { concat, utf8 } from '@merlon/core';
import { AttackError } from './error.ts';
import type { Example } from './example.ts';

/** How elements become pixels. */
export interface PictureOptions {
  /** Element that is black (default 0). */
  readonly min?: number;
  /** Element that is white (default 1). */
  readonly max?: number;
  /** Each element becomes a square of this many pixels (default 4). */
  readonly zoom?: number;
}

/** The three pictures of an example. */
export interface ExamplePictures {
  readonly clean: Uint8Array;
  readonly adversarial: Uint8Array;
  /** Middle grey is no change; the largest change is black or white. */
  readonly difference: Uint8Array;
}

const zoomMax = 64;
const pixelsMax = 2 ** 24;

/**
 * An image [channels, height, width] (1 or 3 channels, or none: [height, width]) as a PNG file.
 * Throws `invalid-data` for other shapes.
 */
export function picture(
  x: Float32Array,
  shape: readonly number[],
  options: PictureOptions = {},
): Uint8Array {
  const { min = 0, max = 1, zoom = 4 } = options;
  const [channels = 0, height = 0, width = 0] = shape.length === 2 ? [1, ...shape] : shape;
  const drawable = shape.length <= 3 && (channels === 1 || channels === 3) && height * width > 0;
  if (!drawable || x.length !== channels * height * width) {
    const got = `[${shape.join(', ')}]`;
    throw new AttackError('invalid-data', `picture expected [1 or 3, height, width], got ${got}`);
  }
  const size = { width: width * zoom, height: height * zoom };
  const tooLarge = size.width * size.height > pixelsMax;
  if (tooLarge || !(Number.isInteger(zoom) && zoom > 0 && zoom <= zoomMax)) {
    throw new AttackError('invalid-option', `"zoom" expected 1 to ${zoomMax}, got ${zoom}`);
  }
  const lines = new Uint8Array(size.height * (1 + size.width * channels));
  let at = 0;
  for (let row = 0; row < size.height; row++) {
    at++;
    for (let column = 0; column < size.width; column++) {
      const place = Math.floor(row / zoom) * width + Math.floor(column / zoom);
      for (let channel = 0; channel < channels; channel++) {
        const value = x[channel * height * width + place] ?? 0;
        lines[at++] = Math.round(255 * Math.min(Math.max((value - min) / (max - min), 0), 1));
      }
    }
  }
  return png(lines, size, channels === 1 ? grey : rgb);
}

/** The pictures of an example of images; `options` say what is black and white. */
export function examplePictures(example: Example, options: PictureOptions = {}): ExamplePictures {
  const { zoom = 4 } = options;
  const most = example.difference.reduce((high, value) => Math.max(high, Math.abs(value)), 0) || 1;
  return {
    clean: picture(example.clean, example.shape, options),
    adversarial: picture(example.adversarial, example.shape, options),
    difference: picture(example.difference, example.shape, { min: -most, max: most, zoom }),
  };
}

const grey = 0;
const rgb = 2;

function png(
  lines: Uint8Array,
  size: { readonly width: number; readonly height: number },
  colour: number,
): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, size.width);
  view.setUint32(4, size.height);
  header.set([8, colour, 0, 0, 0], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const body = chunk('IDAT', deflateSync(lines, { level: 9 }));
  return concat([signature, chunk('IHDR', header), body, chunk('IEND', new Uint8Array(0))]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = concat([utf8(type), data]);
  const out = new Uint8Array(named.length + 8);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(named, 4);
  view.setUint32(4 + named.length, crc32(named));
  return out;
}
