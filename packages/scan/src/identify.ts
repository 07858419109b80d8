/**
 * Says what a region of bytes is, by its content and never by its name alone. All answers that hold
 * come back: a file that is two things at once is suspect for that alone.
 */

import type { ByteSource } from '@merlon/core';
import { looksLikeTar } from './archive/tar.ts';
import { latin1, startsWith } from './bytes.ts';
import { Cursor } from './cursor.ts';
import { looksLikeGguf } from './format/gguf.ts';
import { looksLikeJpeg, looksLikePng } from './format/image.ts';
import { looksLikeNpy } from './format/npy.ts';
import { probeOnnx } from './format/onnx.ts';
import { looksLikeSafetensors } from './format/safetensors.ts';
import { looksLikeHdf5 } from './keras/hdf5.ts';
import { probePickle } from './pickle/scan.ts';
import type { Policy } from './policy/classify.ts';
import { probeSavedModel } from './tensorflow/saved-model.ts';
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
  | 'xz'
  | 'lzma'
  | 'bzip2'
  | 'lz4'
  | 'rar'
  | 'tar'
  | 'png'
  | 'jpeg'
  | 'saved-model'
  | 'program'
  | 'empty'
  | TextFormat;

const headBytes = 4096;
/** Formats told by their first bytes, for which nobody needs a closer look. */
const magics: readonly (readonly [Format, string])[] = [
  ['7z', '377abcaf271c'],
  ['xz', 'fd377a585a00'],
  ['lz4', '04224d18'],
  ['lzma', '5d0000'],
  ['rar', '526172211a07'],
  ['gzip', '1f8b08'],
  ['zstd', '28b52ffd'],
  ['program', '7f454c46'],
  ['program', 'feedface'],
  ['program', 'feedfacf'],
  ['program', 'cefaedfe'],
  ['program', 'cffaedfe'],
  ['program', 'cafebabe'],
];
/** PyTorch's magic number as the first opcodes of its legacy files, whatever the protocol. */
const legacyMagic = '8a0a6cfc9c46f9206aa850192e';

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
  if (/^BZh[1-9]1AY&SY/.test(latin1(head))) found.add('bzip2');
  if (isWindowsProgram(head)) found.add('program');
  if (isZlib(head) && /\.(z|zlib|joblib|pkl|gz)$/i.test(name)) found.add('zlib');
  if (looksLikeNpy(head)) found.add('npy');
  if (looksLikeGguf(head)) found.add('gguf');
  if (looksLikeHdf5(head)) found.add('hdf5');
  if (looksLikePng(head)) found.add('png');
  if (looksLikeJpeg(head)) found.add('jpeg');
  if (looksLikeTar(head)) found.add('tar');
  if (looksLikeSafetensors(head, source.size)) found.add('safetensors');
  if (await isZip(source)) found.add('zip');
  if (isTorchLegacy(head)) found.add('torch-legacy');
  else if (await isPickle(source, head, found, policy)) found.add('pickle');
  if (found.size === 0 && (await probeOnnx(new Cursor(source)))) found.add('onnx');
  if (found.size === 0 && (await probeSavedModel(new Cursor(source)))) found.add('saved-model');
  if (found.size === 0 || (found.size === 1 && found.has('safetensors'))) {
    const plain = asText(head, source.size > head.length);
    if (plain !== null) found.add(textFormat(plain, name));
  }
  return [...found];
}

async function isZip(source: ByteSource): Promise<boolean> {
  if ((await readLocal(source, 0)) !== null) return true;
  const directories = await findDirectories(source);
  return directories.some((directory) => directory.count > 0);
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

function isZlib(head: Uint8Array): boolean {
  const [first = 0, second = 0] = head;
  return first === 0x78 && (first * 256 + second) % 31 === 0;
}
