/**
 * Says what a region of bytes is, by its content and never by its name alone. All answers that hold
 * come back: a file that is two things at once is suspect for that alone.
 */

import { constants, inflateSync } from 'node:zlib';
import type { ByteSource } from '@merlon/core';
import { isInsideMember, looksLikeTar } from './archive/tar.ts';
import { latin1, startsWith } from './bytes.ts';
import { Cursor } from './cursor.ts';
import { looksLikeBson } from './format/bson.ts';
import { looksLikeCatboost, looksLikeExecutorch } from './format/buffers.ts';
import { looksLikeGguf } from './format/gguf.ts';
import { looksLikeJpeg, looksLikePng } from './format/image.ts';
import { type MessageKind, probeMessage } from './format/messages.ts';
import { probeMsgpack } from './format/msgpack.ts';
import { looksLikeNpy } from './format/npy.ts';
import { probeOnnx } from './format/onnx.ts';
import { looksLikeRds } from './format/rds.ts';
import { looksLikeSafetensors } from './format/safetensors.ts';
import { looksLikeArrow, looksLikeIdx, looksLikeParquet } from './format/table.ts';
import { looksLikeUbjson } from './format/ubjson.ts';
import { looksLikeHdf5 } from './hdf5/scan.ts';
import { probePickle } from './pickle/scan.ts';
import type { Policy } from './policy/classify.ts';
import { type GraphKind, probeGraph } from './tensorflow/graph.ts';
import { looksLikeTflite } from './tensorflow/tflite.ts';
import { asText, type TextFormat, textFormat } from './text/text.ts';
import { findDirectories, readLocal } from './zip/entry.ts';

/** What bytes can be. */
export type Format =
  | 'pickle'
  | 'torch-legacy'
  | 'zip'
  | 'safetensors'
  | 'onnx'
  | 'npy'
  | 'gguf'
  | 'hdf5'
  | 'gzip'
  | 'zlib'
  | 'zstd'
  | '7z'
  | 'zfile'
  | 'xz'
  | 'lzma'
  | 'bzip2'
  | 'lz4'
  | 'rar'
  | 'tar'
  | 'parquet'
  | 'arrow'
  | 'idx'
  | 'png'
  | 'jpeg'
  | 'tflite'
  | 'executorch'
  | 'catboost'
  | 'rds'
  | 'ubjson'
  | 'msgpack'
  | 'tf-index'
  | 'tensorrt'
  | 'java'
  | 'bson'
  | 'bytecode'
  | 'program'
  | 'empty'
  | GraphKind
  | MessageKind
  | TextFormat;

const headBytes = 4096;
/** Formats told by their first bytes, for which nobody needs a closer look. */
const magics: readonly (readonly [Format, string])[] = [
  ['7z', '377abcaf271c'],
  ['xz', 'fd377a585a00'],
  ['lz4', '04224d18'],
  ['lz4', '02214c18'],
  ['zfile', '5a463078'],
  ['rar', '526172211a07'],
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['tensorrt', '66747274'],
  ['tensorrt', '70747274'],
  ['java', 'aced0005'],
  ['program', '7f454c46'],
  ['program', 'feedface'],
  ['program', 'feedfacf'],
  ['program', 'cefaedfe'],
  ['program', 'cffaedfe'],
  ['program', 'cafebabe'],
  ['program', '4d5a714670443d'],
  ['program', '0061736d'],
];
/** Looks at the head and the size, each sure of itself. */
const looks: readonly (readonly [Format, (head: Uint8Array, size: number) => boolean])[] = [
  ['bzip2', isBzip2],
  ['lzma', isLzma],
  ['program', isWindowsProgram],
  ['bytecode', isBytecode],
  ['npy', looksLikeNpy],
  ['gguf', looksLikeGguf],
  ['hdf5', looksLikeHdf5],
  ['parquet', looksLikeParquet],
  ['arrow', looksLikeArrow],
  ['idx', looksLikeIdx],
  ['png', looksLikePng],
  ['jpeg', looksLikeJpeg],
  ['tar', looksLikeTar],
  ['safetensors', looksLikeSafetensors],
  ['tflite', looksLikeTflite],
  ['executorch', looksLikeExecutorch],
  ['catboost', looksLikeCatboost],
  ['rds', looksLikeRds],
  ['bson', looksLikeBson],
];
/** PyTorch's magic number as the first opcodes of its legacy files, whatever the protocol. */
const legacyMagic = '8a0a6cfc9c46f9206aa850192e';
const tableMagic = '57fb808b247547db';

/**
 * True for bytes that begin like numbers only: where weights are expected these are not looked at
 * any closer. A mark of pickles, magic bytes of anything, or words make them worth a look.
 */
export function looksLikeNumbers(head: Uint8Array): boolean {
  const [first = 0, second = 0] = head;
  if (first === 0x80 && second >= 2 && second <= 5) return false;
  const words = head.subarray(0, 12);
  if (words.every((byte) => byte === 9 || byte === 10 || (byte > 31 && byte < 127))) return false;
  if (magics.some(([, magic]) => startsWith(head, magic))) return false;
  if (/^(PK|MZ|BZh|\x93NUM|\x89(HDF|PNG)|GGUF)/.test(latin1(head.subarray(0, 4)))) return false;
  return !looks.some(([format, holds]) => format !== 'lzma' && holds(head, head.length));
}

/** All formats that the bytes have; none when nothing is known. */
export async function identify(
  source: ByteSource,
  name: string,
  policy: Policy,
): Promise<Format[]> {
  if (source.size === 0) return ['empty'];
  const head = await source.read(0, Math.min(headBytes, source.size));
  const found = new Set<Format>();
  for (const [format, magic] of magics) if (startsWith(head, magic)) found.add(format);
  for (const [format, holds] of looks) if (holds(head, source.size)) found.add(format);
  if (isZlib(head) && /\.(z|zz|zlib|joblib|pkl|gz|bin)$/i.test(name)) found.add('zlib');
  if (await isZip(source, found.has('tar'))) found.add('zip');
  if (isTorchLegacy(head)) found.add('torch-legacy');
  else if (await isPickle(source, head, found, policy)) found.add('pickle');
  if (found.size === 0 && isZlib(head) && unpacks(head)) found.add('zlib');
  if (found.size === 0) for (const format of await probeAll(source, head)) found.add(format);
  if (found.size === 0 || (found.size === 1 && found.has('safetensors'))) {
    const plain = asText(head, source.size > head.length);
    if (plain !== null) found.add(textFormat(plain, name));
  }
  return [...found];
}

/** Formats without a magic number, told by their structure; the first that holds. */
async function probeAll(source: ByteSource, head: Uint8Array): Promise<Format[]> {
  if (looksLikeUbjson(head)) return ['ubjson'];
  const isPlain = asText(head, source.size > head.length) !== null;
  if (await probeOnnx(new Cursor(source))) return ['onnx'];
  if (!isPlain) {
    if (await probeMsgpack(new Cursor(source))) return ['msgpack'];
    const graph = await probeGraph(new Cursor(source));
    if (graph !== null) return [graph];
    const message = await probeMessage(new Cursor(source));
    if (message !== null) return [message];
    const tail = await source.read(Math.max(0, source.size - 8), 8);
    if (startsWith(tail, tableMagic)) return ['tf-index'];
  }
  return [];
}

/** An archive that is a member of a tar file is read as that, not as the file itself. */
async function isZip(source: ByteSource, inTar: boolean): Promise<boolean> {
  if ((await readLocal(source, 0)) !== null) return true;
  const directories = await findDirectories(source);
  for (const { count, endOffset } of directories) {
    if (count > 0 && !(inTar && (await isInsideMember(source, endOffset)))) return true;
  }
  return false;
}

async function isPickle(
  source: ByteSource,
  head: Uint8Array,
  found: ReadonlySet<Format>,
  policy: Policy,
): Promise<boolean> {
  const { isPickle: holds } = await probePickle(new Cursor(source), policy);
  if (!holds) return false;
  // Beside the magic bytes of another format, only a pickle that does something counts.
  return found.size === 0 || head[0] === 0x80 || head[0] === 0x63 || head[0] === 0x28;
}

function isTorchLegacy(head: Uint8Array): boolean {
  return startsWith(head[0] === 0x80 ? head.subarray(2) : head, legacyMagic);
}

function isWindowsProgram(head: Uint8Array): boolean {
  if (!startsWith(head, '4d5a') || head.length < 64) return false;
  const at = new DataView(head.buffer, head.byteOffset, head.length).getUint32(60, true);
  return startsWith(head.subarray(at), '50450000');
}

/** A header, then a block or the end of an empty stream. */
function isBzip2(head: Uint8Array): boolean {
  const block = /^BZh[1-9]1AY&SY/.test(latin1(head.subarray(0, 16)));
  return block || (startsWith(head, '425a68') && startsWith(head.subarray(4), '177245385090'));
}

/** Compiled Python: a version, two line ends, flags, then a code object of marshal. */
function isBytecode(head: Uint8Array): boolean {
  const [version = 0, high = 0, return_ = 0, feed = 0] = head;
  const isVersion = return_ === 13 && feed === 10 && (high === 13 || high === 12 || version > 0);
  return isVersion && [8, 12, 16].some((at) => ((head[at] ?? 0) & 127) === 0x63);
}

/** Old .lzma files have no magic: usual properties, a whole dictionary, a size that can be. */
function isLzma(head: Uint8Array): boolean {
  if (head.length < 18 || (head[0] ?? 255) >= 225 || head[13] !== 0) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const dictionary = view.getUint32(1, true);
  const isWhole = dictionary >= 4096 && Number.isInteger(Math.log2(dictionary));
  const isTriple = dictionary >= 4096 && Number.isInteger(Math.log2(dictionary / 3));
  const high = view.getUint32(9, true);
  const size = high === 0xffffffff ? view.getUint32(5, true) === 0xffffffff : high < 64;
  return (isWhole || isTriple) && size;
}

/** Two bytes are soon alike by chance; what unpacks to something is no chance. */
function unpacks(head: Uint8Array): boolean {
  try {
    const finishFlush = constants.Z_SYNC_FLUSH;
    return inflateSync(head, { finishFlush, maxOutputLength: 1 << 24 }).length > 0;
  } catch (error) {
    // More than the limit comes out only where it unpacks.
    return error instanceof RangeError;
  }
}

function isZlib(head: Uint8Array): boolean {
  const [first = 0, second = 0] = head;
  return first === 0x78 && (first * 256 + second) % 31 === 0;
}
