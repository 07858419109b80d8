/** The numbers of a tensor as they are written: row-major, without gaps, little-endian. */
import { type ElementType, elementBytes } from './elements.ts';
import { brokenFile, FixError } from './error.ts';
import type { Piece, Stretch } from './piece.ts';
import { stridesOf } from './rebuild.ts';

/** A tensor with its type, its name and where its storage lies. */
export interface Weight {
  readonly name: string;
  readonly type: ElementType;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  /** First element within the storage. */
  readonly offset: number;
  readonly swapped: boolean;
  readonly storage: Stretch;
}

const chunkBytes = 1 << 20;
/** Tensors whose elements do not stand in order are gathered from a copy of their storage. */
const gatheredBytesMax = 1024 ** 3;

/** Bytes of the tensor when it is written. */
export function bytesOf({ sizes, type }: Weight): number {
  return countOf(sizes) * elementBytes(type);
}

/** Throws `FixError` `broken` when the tensor reaches beyond its storage. */
export function checkInside(weight: Weight): void {
  const { sizes, strides, offset, storage, type, name } = weight;
  const last = sizes.reduce((sum, size, i) => sum + (size - 1) * (strides[i] ?? 0), offset);
  const end = (last + 1) * elementBytes(type);
  if (countOf(sizes) === 0 || end <= storage.source.size) return;
  throw brokenFile(`tensor "${name}" reaches beyond its numbers`);
}

/** The bytes of the tensor; those that stand in order in the file are told by their place. */
export async function* piecesOf(weight: Weight): AsyncGenerator<Piece> {
  const { storage, type, swapped } = weight;
  const width = elementBytes(type);
  const half = type === 'C64' ? width / 2 : width;
  const turn = (bytes: Uint8Array): Uint8Array => (swapped ? reversed(bytes, half) : bytes);
  if (!isDense(weight)) {
    yield* gathered(weight, turn);
    return;
  }
  const [start, length] = [weight.offset * width, bytesOf(weight)];
  if (storage.base !== null && !swapped) yield { offset: storage.base + start, length };
  else yield turn(await storage.source.read(start, length));
}

async function* gathered(
  weight: Weight,
  turn: (bytes: Uint8Array) => Uint8Array,
): AsyncGenerator<Piece> {
  const { type, sizes, strides, offset } = weight;
  const storage = weight.storage.source;
  const width = elementBytes(type);
  if (storage.size > gatheredBytesMax) {
    throw new FixError('unsupported', `"${weight.name}" is a turned view of more than 1 GiB`, {
      hint: 'save it contiguous',
    });
  }
  const from = await storage.read(0, storage.size);
  const count = countOf(sizes);
  const places = sizes.map(() => 0);
  let at = offset;
  const perChunk = chunkBytes / width;
  for (let done = 0; done < count; done += perChunk) {
    const elements = Math.min(perChunk, count - done);
    const out = new Uint8Array(elements * width);
    for (let i = 0; i < elements; i++) {
      for (let k = 0; k < width; k++) out[i * width + k] = from[at * width + k] ?? 0;
      at = next(places, { sizes, strides, at });
    }
    yield turn(out);
  }
}

/** Counts the places up by one, the last axis first; returns where that element stands. */
function next(
  places: number[],
  of: { readonly sizes: readonly number[]; readonly strides: readonly number[]; at: number },
): number {
  const { sizes, strides } = of;
  let { at } = of;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const place = (places[axis] ?? 0) + 1;
    at += strides[axis] ?? 0;
    if (place < (sizes[axis] ?? 1)) {
      places[axis] = place;
      return at;
    }
    at -= place * (strides[axis] ?? 0);
    places[axis] = 0;
  }
  return at;
}

function isDense({ sizes, strides }: Weight): boolean {
  const dense = stridesOf(sizes);
  // The step of an axis of one element is never taken.
  return sizes.every((size, axis) => size <= 1 || strides[axis] === dense[axis]);
}

function countOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}

function reversed(bytes: Uint8Array, width: number): Uint8Array {
  const out = bytes.slice();
  for (let at = 0; at < out.length; at += width) out.subarray(at, at + width).reverse();
  return out;
}
