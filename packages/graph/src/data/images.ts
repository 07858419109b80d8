/**
 * Pictures by class as a data set: PNG and JPEG of one size, [N, channels, height, width], each
 * element from 0 to 1. Colours are kept where any picture has them; opacity is left out.
 */
import type { Dataset } from './dataset.ts';
import { DataError } from './error.ts';
import type { DataSchema } from './schema.ts';

/** A picture with its class, the position in the list of classes. */
export interface LabeledPicture {
  /** For messages. */
  readonly name: string;
  readonly label: number;
  readonly bytes: Uint8Array;
}

/** How pictures are read. */
export interface PictureOptions {
  readonly classes: readonly string[];
  readonly schema?: DataSchema;
  /** Most elements that are read (default 2^28). */
  readonly elementsMax?: number;
}

interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** 1 or 3. */
  readonly channels: number;
  /** Interleaved, 0 to 1. */
  readonly values: Float32Array;
}

const pixelsMax = 2 ** 24;
const elementsUsual = 2 ** 28;

/** The data set of pictures. Throws `DataError`; the message names the picture. */
export async function readPictures(
  pictures: AsyncIterable<LabeledPicture>,
  options: PictureOptions,
): Promise<Dataset> {
  const { schema, elementsMax = elementsUsual } = options;
  const read: Picture[] = [];
  const labels: number[] = [];
  let elements = 0;
  for await (const { name, label, bytes } of pictures) {
    const picture = await decode(name, bytes);
    const [first = picture] = read;
    if (picture.width !== first.width || picture.height !== first.height) {
      const got = `${picture.width} × ${picture.height}`;
      const wanted = `${first.width} × ${first.height} as "${first.name}"`;
      throw new DataError('invalid-data', `picture "${name}" expected ${wanted}, got ${got}`, {
        hint: 'Bring all pictures to the size that the model takes.',
      });
    }
    elements += picture.values.length;
    if (elements > elementsMax) {
      throw new DataError('too-large', `pictures expected at most ${elementsMax} elements`);
    }
    read.push(picture);
    labels.push(label);
  }
  const [first] = read;
  if (first === undefined) {
    throw new DataError('empty-data', 'folder expected pictures, got none', {
      hint: 'Give a folder with a folder of PNG or JPEG files for each class.',
    });
  }
  const wanted = schema?.kind === 'image' ? schema.input.shape : undefined;
  const channels = wanted?.[0] ?? Math.max(...read.map((picture) => picture.channels));
  const shape = [read.length, channels, first.height, first.width];
  if (wanted !== undefined && wanted.join() !== shape.slice(1).join()) {
    const got = `got [${shape.slice(1).join(', ')}]`;
    throw new DataError('invalid-data', `pictures expected [${wanted.join(', ')}], ${got}`);
  }
  const x = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const size = channels * first.height * first.width;
  for (const [i, picture] of read.entries()) spread(picture, channels, x, i * size);
  const classes = classesOf(options);
  return { x, shape, labels: Int32Array.from(labels), classes };
}

/** The schema's own list, which must have every class that the folder has. */
function classesOf({ classes, schema }: PictureOptions): readonly string[] {
  const known = schema?.label.classes;
  if (known === undefined || known.join('\n') === classes.join('\n')) return classes;
  const got = classes.slice(0, 12).join(', ');
  throw new DataError(
    'invalid-data',
    `folders expected the classes ${known.join(', ')}, got ${got}`,
  );
}

/** From interleaved colours to one plane a channel. */
function spread(picture: Picture, channels: number, to: Float32Array, start: number): void {
  const { values, channels: own, name } = picture;
  if (own > channels) {
    throw new DataError('invalid-data', `picture "${name}" expected shades of grey, got colours`);
  }
  const area = picture.width * picture.height;
  for (let channel = 0; channel < channels; channel++) {
    const from = Math.min(channel, own - 1);
    for (let i = 0; i < area; i++) {
      to[start + channel * area + i] = values[i * own + from] ?? 0;
    }
  }
}

async function decode(name: string, bytes: Uint8Array): Promise<Picture> {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!isPng && !isJpeg) {
    throw new DataError('unsupported-data', `picture "${name}" is neither PNG nor JPEG`);
  }
  try {
    return isPng ? await decodePng(name, bytes) : await decodeJpeg(name, bytes);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const why = cause instanceof Error ? cause.message.slice(0, 160) : 'it is broken';
    throw new DataError('truncated-data', `picture "${name}" cannot be read: ${why}`, { cause });
  }
}

async function decodePng(name: string, bytes: Uint8Array): Promise<Picture> {
  // The size stands in the first chunk; it is checked before anything is unpacked.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(16) * view.getUint32(20) > pixelsMax) {
    throw new DataError('too-large', `picture "${name}" expected at most ${pixelsMax} pixels`);
  }
  const { convertIndexedToRgb, decode: decodeFile } = await import('fast-png');
  const image = decodeFile(bytes);
  const { width, height, palette, depth, channels } = image;
  const size = { name, width, height };
  if (palette !== undefined) {
    return { ...size, ...withoutOpacity(convertIndexedToRgb(image), palette[0]?.length ?? 3, 255) };
  }
  const data = depth < 8 ? unpacked(image.data, { width, height, depth }) : image.data;
  return { ...size, ...withoutOpacity(data, channels, 2 ** depth - 1) };
}

/** Rows of several shades of grey a byte, each row beginning with a byte of its own. */
function unpacked(
  data: ArrayLike<number>,
  { width, height, depth }: { width: number; height: number; depth: number },
): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  // Some readers unpack such rows themselves.
  if (data.length === width * height && depth < 8 && rowBytes < width) return Uint8Array.from(data);
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)] ?? 0;
    out[i] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  return out;
}

async function decodeJpeg(name: string, bytes: Uint8Array): Promise<Picture> {
  const { default: jpeg } = await import('jpeg-js');
  const options = { useTArray: true, maxResolutionInMP: 16, maxMemoryUsageInMB: 512 } as const;
  const { width, height, data } = jpeg.decode(bytes, options);
  const { values } = withoutOpacity(data, 4, 255);
  const grey = values.every((value, i) => value === values[i - (i % 3)]);
  if (!grey) return { name, width, height, channels: 3, values };
  return { name, width, height, channels: 1, values: values.filter((_, i) => i % 3 === 0) };
}

/** Elements from 0 to 1; a second or fourth channel tells opacity. */
function withoutOpacity(
  data: ArrayLike<number>,
  given: number,
  most: number,
): { readonly channels: number; readonly values: Float32Array } {
  const channels = given > 2 ? 3 : 1;
  const pixels = data.length / given;
  const values = new Float32Array(pixels * channels);
  for (let i = 0; i < values.length; i++) {
    const pixel = Math.floor(i / channels);
    values[i] = (data[pixel * given + (i % channels)] ?? 0) / most;
  }
  return { channels, values };
}
