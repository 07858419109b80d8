/**
 * A checkpoint as bytes: eight of magic, four of the header's length (little endian), a header of
 * JSON, the losses as doubles, then arrays of float32 in the header's order. It is data alone and
 * is checked as a whole before anything of it is used; whether it is whose it should be is for the
 * caller to seal.
 */
import { type Bytes, concat, fromUtf8, isJsonObject, type JsonObject, utf8 } from '@merlon/core';
import { HardenError } from '../../error.ts';
import type { Figures } from '../validate.ts';
import type { Arrays } from './memory.ts';

/** Where a run is, and the epoch whose weights are the best so far. */
export interface Position {
  /** The epoch under way, from 1. */
  readonly epoch: number;
  /** Batches of it that are done. */
  readonly batch: number;
  /** Rows seen in it, and those that the model was right about. */
  readonly seen: number;
  readonly right: number;
  /** The epoch of the last gain, for patience. */
  readonly gainedEpoch: number;
  readonly kept: { readonly epoch: number; readonly robust: number } | null;
}

/** All that a run needs to go on. */
export interface Checkpoint extends Position {
  /** Digest of the settings it belongs to. */
  readonly settings: string;
  readonly losses: readonly number[];
  readonly validation: readonly Figures[];
  readonly arrays: Arrays;
  readonly counts: ReadonlyMap<string, number>;
}

const magic = utf8('merlonT1');
const headAt = magic.length + 4;

/** The checkpoint as bytes. */
export function writeCheckpoint({ losses, arrays, ...rest }: Checkpoint): Bytes {
  const header = utf8(
    JSON.stringify({
      ...rest,
      validation: rest.validation.map(({ clean, robust }) => [clean, robust]),
      losses: losses.length,
      arrays: [...arrays].map(([name, { length }]) => [name, length]),
      counts: [...rest.counts],
    }),
  );
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const bodies = [Float64Array.from(losses), ...arrays.values()].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return concat([magic, length, header, ...bodies]);
}

/** The checkpoint in bytes; throws `bad-checkpoint`. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { header, body } = headerIn(bytes);
  const { settings, kept } = header;
  const arraySizes = pairs(header, 'arrays');
  const lossCount = whole(header, 'losses');
  const size = 8 * lossCount + 4 * arraySizes.reduce((sum, [, length]) => sum + length, 0);
  if (size !== body.length) throw bad(`expected ${size} bytes of arrays, got ${body.length}`);
  if (typeof settings !== 'string') throw bad('"settings" expected a digest');
  let at = 8 * lossCount;
  const arrays = new Map<string, Float32Array>();
  for (const [name, length] of arraySizes) {
    arrays.set(name, new Float32Array(body.slice(at, at + 4 * length).buffer));
    at += 4 * length;
  }
  return {
    settings,
    epoch: whole(header, 'epoch'),
    batch: whole(header, 'batch'),
    seen: whole(header, 'seen'),
    right: whole(header, 'right'),
    gainedEpoch: whole(header, 'gainedEpoch'),
    kept: kept === null ? null : keptIn(kept),
    losses: [...new Float64Array(body.slice(0, 8 * lossCount).buffer)],
    validation: figuresIn(header),
    arrays,
    counts: new Map(pairs(header, 'counts')),
  };
}

function headerIn(bytes: Uint8Array): { header: JsonObject; body: Uint8Array } {
  const isMagic = magic.every((byte, i) => bytes[i] === byte);
  if (!isMagic || bytes.length < headAt) throw bad('expected a checkpoint of training');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = headAt + view.getUint32(magic.length, true);
  if (end > bytes.length) throw bad(`expected ${end} bytes or more, got ${bytes.length}`);
  let header: unknown;
  try {
    header = JSON.parse(fromUtf8(bytes.subarray(headAt, end)));
  } catch (cause) {
    throw new HardenError('bad-checkpoint', 'the header expected JSON', { cause });
  }
  if (!isJsonObject(header)) throw bad('the header expected an object');
  // A copy: slices of a Node Buffer would share its memory.
  return { header, body: new Uint8Array(bytes.subarray(end)) };
}

function keptIn(kept: unknown): NonNullable<Position['kept']> {
  const { epoch, robust } = isJsonObject(kept) ? kept : ({} as JsonObject);
  if (!isWhole(epoch) || typeof robust !== 'number') throw bad('"kept" expected epoch, robust');
  return { epoch, robust };
}

function figuresIn({ validation }: JsonObject): Figures[] {
  if (!Array.isArray(validation)) throw bad('"validation" expected a list');
  return validation.map((pair) => {
    const [clean, robust] = Array.isArray(pair) ? pair : [];
    if (typeof clean === 'number' && typeof robust === 'number') return { clean, robust };
    throw bad('"validation" expected pairs of numbers');
  });
}

function pairs(header: JsonObject, name: string): [string, number][] {
  const list = header[name];
  if (!Array.isArray(list)) throw bad(`"${name}" expected a list`);
  return list.map((pair) => {
    const [key, value] = Array.isArray(pair) ? pair : [];
    if (typeof key === 'string' && isWhole(value)) return [key, value];
    throw bad(`"${name}" expected names and whole numbers`);
  });
}

function whole(header: JsonObject, name: string): number {
  const value = header[name];
  if (isWhole(value)) return value;
  throw bad(`"${name}" expected a whole number`);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function bad(message: string): HardenError {
  return new HardenError('bad-checkpoint', message);
}
