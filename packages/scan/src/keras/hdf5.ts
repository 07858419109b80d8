/**
 * HDF5 has no reader here, so its verdict is `not-understood`. What can be told without one is
 * whether a Keras configuration inside it names code: such texts stand in it as they are.
 */

import { notUnderstood, type Place, tell } from '../audit.ts';
import { latin1, startsWith } from '../bytes.ts';

const pieceBytes = 1 << 20;
const overlapBytes = 256;
const bytesMax = 1 << 28;

/** True for the signature of HDF5. */
export function looksLikeHdf5(head: Uint8Array): boolean {
  return startsWith(head, '894844460d0a1a0a');
}

/** Looks for layers that hold Python code. */
export async function scanHdf5(place: Place): Promise<void> {
  notUnderstood(place, 'HDF5 is not read');
  const end = Math.min(place.source.size, bytesMax);
  for (let at = 0; at < end; at += pieceBytes) {
    const text = latin1(await place.source.read(at, pieceBytes + overlapBytes));
    const found = /"class_name"\s*:\s*"(Lambda|__lambda__)"/.exec(text);
    if (found === null) continue;
    tell(place, 'MRL-JSN-003', { evidence: found[0], offset: at + found.index });
    return;
  }
}
