/** Writes safetensors (huggingface/safetensors, README, "Format"). */
import { concat } from '@merlon/core';
import { elementBytes } from './elements.ts';
import type { Piece } from './piece.ts';
import { bytesOf, piecesOf, type Weight } from './tensor.ts';

/** The file: header, then the numbers of every tensor, large elements first. */
export async function* writeSafetensors(weights: readonly Weight[]): AsyncGenerator<Piece> {
  // Elements are aligned when the wide ones come first, as the format's own writer has it.
  const ordered = weights.toSorted(
    (a, b) => elementBytes(b.type) - elementBytes(a.type) || (a.name < b.name ? -1 : 1),
  );
  yield headerOf(ordered);
  for (const weight of ordered) yield* piecesOf(weight);
}

function headerOf(weights: readonly Weight[]): Uint8Array {
  let at = 0;
  const entries = weights.map((weight) => {
    const begin = at;
    at += bytesOf(weight);
    const tensor = { dtype: weight.type, shape: weight.sizes, data_offsets: [begin, at] };
    return [weight.name, tensor] as const;
  });
  const header = Object.fromEntries([['__metadata__', { format: 'pt' }], ...entries]);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (text.length % 8)) % 8;
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length + padding), true);
  return concat([length, text, new Uint8Array(padding).fill(0x20)]);
}
