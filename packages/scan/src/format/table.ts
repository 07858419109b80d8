/**
 * Audits the containers of data sets by their structure: Apache Parquet, Apache Arrow and IDX.
 * None of them names code; what matters is that nothing else is hidden in one.
 */
import { giveUp, type Place } from '../audit.ts';
import { latin1 } from '../bytes.ts';

/** Bytes of an element by the third byte of the magic number of IDX. */
const idxBytes: Readonly<Record<number, number>> = { 8: 1, 9: 1, 11: 2, 12: 4, 13: 4, 14: 8 };

/** True for the mark of Parquet, also of one whose footer is encrypted. */
export function looksLikeParquet(head: Uint8Array): boolean {
  return /^PAR[1E]/.test(latin1(head.subarray(0, 4)));
}

/** True for the mark of an Arrow file (Feather version 2). */
export function looksLikeArrow(head: Uint8Array): boolean {
  return latin1(head.subarray(0, 6)) === 'ARROW1';
}

/** True where the dimensions account for every byte: the magic number alone is too weak. */
export function looksLikeIdx(head: Uint8Array, size: number): boolean {
  const width = idxBytes[head[2] ?? 0];
  const rank = head[3] ?? 0;
  const start = 4 + 4 * rank;
  if (head[0] !== 0 || head[1] !== 0 || width === undefined || rank < 1 || rank > 8) return false;
  if (head.length < start) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  let elements = 1;
  for (let i = 0; i < rank; i++) elements *= view.getUint32(4 + 4 * i);
  return elements * width === size - start;
}

/** The footer must lie within the file, and the mark must end it. */
export async function scanParquet(place: Place): Promise<void> {
  const { source } = place;
  const tail = await source.read(Math.max(0, source.size - 8), 8);
  const footer = new DataView(tail.buffer, tail.byteOffset, tail.length);
  const sound = tail.length === 8 && footer.getUint32(0, true) + 12 <= source.size;
  if (!(sound && looksLikeParquet(tail.subarray(4)))) {
    giveUp(place, 'the table has no whole footer');
  }
}

/** The mark must end the file. */
export async function scanArrow(place: Place): Promise<void> {
  const { source } = place;
  const tail = await source.read(Math.max(0, source.size - 6), 6);
  if (source.size < 16 || !looksLikeArrow(tail)) giveUp(place, 'the table has no end mark');
}
