/** Audits pictures of data sets by their structure: PNG chunks and JPEG's end. */

import { giveUp, type Place, scanTrailing } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { Cursor } from '../cursor.ts';

const chunksMax = 100_000;
const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** True for the signature of PNG. */
export function looksLikePng(head: Uint8Array): boolean {
  return pngSignature.every((byte, i) => head[i] === byte);
}

/** True for the beginning of JPEG. */
export function looksLikeJpeg(head: Uint8Array): boolean {
  return head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;
}

/** Walks the chunks to IEND; nothing may follow it. */
export async function scanPng(place: Place): Promise<void> {
  const cursor = new Cursor(place.source, 8);
  for (let count = 0; count < chunksMax; count++) {
    if ((await cursor.need(12)) < 12) break;
    const length = swap(cursor.u32());
    const type = latin1(cursor.bytes(4));
    if (!/^[A-Za-z]{4}$/.test(type) || length + 4 > cursor.left) break;
    cursor.skip(length + 4);
    if (type !== 'IEND') continue;
    if (cursor.left > 0) await scanTrailing(place, cursor.at, 'MRL-FIL-005');
    return;
  }
  giveUp(place, 'the picture ends early');
}

/** Looks whether the picture ends with its end mark. */
export async function scanJpeg(place: Place): Promise<void> {
  const { source } = place;
  const tail = await source.read(Math.max(0, source.size - 2), 2);
  if (tail[0] !== 0xff || tail[1] !== 0xd9) giveUp(place, 'the picture has no end mark');
}

function swap(value: number): number {
  return (
    (value & 255) * 2 ** 24 +
    ((value >>> 8) & 255) * 2 ** 16 +
    ((value >>> 16) & 255) * 256 +
    (value >>> 24)
  );
}
