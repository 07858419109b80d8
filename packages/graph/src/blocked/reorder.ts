/**
 * Weights that are only known when the graph runs, brought into the blocked layout
 * [O / b, I / b, taps, b of I, b of O] by moves of one axis each: the runtime is far faster at
 * two or three of those than at one move of all axes.
 */

import type { OnnxTensor } from '../onnx/model.ts';
import { int, ints, intsIn, type OnnxAttribute, type OnnxNode } from '../onnx/model.ts';

/** Emits nodes of the standard operators. */
export interface ReorderEmitter {
  standard(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>>,
  ): string;
  ints(values: readonly number[]): string;
}

/** The weights as the kernel takes them: [O, I, height, width], and channels of a block. */
export interface Reorder {
  readonly shape: readonly [number, number, number, number];
  readonly block: number;
}

/** Weights [O, I, height, width]. */
export function reordered(emitter: ReorderEmitter, name: string, of: Reorder): string {
  const [outs, ins, height, width] = of.shape;
  const { block } = of;
  const taps = height * width;
  const lanes = moved(emitter, name, [outs / block, block, ins * taps], [0, 2, 1]);
  const sizes = [(outs / block) * (ins / block), block, taps, block];
  return whole(emitter, moved(emitter, lanes, sizes, [0, 2, 1, 3]), of);
}

/** Weights [I, O, height, width], which are flipped in height and width besides. */
export function reorderedBack(emitter: ReorderEmitter, name: string, of: Reorder): string {
  const [outs, ins, height, width] = of.shape;
  const { block } = of;
  const taps = height * width;
  const first = moved(emitter, name, [ins * outs, taps], [1, 0]);
  const back = Array.from({ length: taps }, (_, tap) => taps - 1 - tap);
  const flipped = emitter.standard('Gather', [first, emitter.ints(back)], { axis: int(0) });
  const lanes = moved(emitter, flipped, [taps * ins, outs / block, block], [1, 0, 2]);
  const sizes = [outs / block, taps, ins / block, block * block];
  return whole(emitter, moved(emitter, lanes, sizes, [0, 2, 1, 3]), of);
}

function whole(emitter: ReorderEmitter, value: string, { shape }: Reorder): string {
  return emitter.standard('Reshape', [value, emitter.ints(shape)], {});
}

function moved(
  emitter: ReorderEmitter,
  value: string,
  sizes: readonly number[],
  perm: readonly number[],
): string {
  const split = emitter.standard('Reshape', [value, emitter.ints(sizes)], {});
  return emitter.standard('Transpose', [split], { perm: ints(perm) });
}

/** The weights of which a value is the flipped form with sides changed; null when it is none. */
export function flippedFrom(
  writers: ReadonlyMap<string, OnnxNode>,
  name: string,
  constant: (name: string) => OnnxTensor | undefined,
): string | null {
  const turned = writers.get(name);
  const sliced = writers.get(turned?.inputs[0] ?? '');
  const perm = turned?.attributes.perm;
  if (turned?.operator !== 'Transpose' || sliced?.operator !== 'Slice') return null;
  if (perm?.kind !== 'ints' || perm.value.join() !== '1,0,2,3') return null;
  const [weights = '', starts = '', , axes = '', steps = ''] = sliced.inputs;
  const told = [starts, axes, steps].map((list) => {
    const tensor = constant(list);
    return tensor === undefined ? '' : intsIn(tensor).join();
  });
  return told.join(' ') === '-1,-1 2,3 -1,-1' ? weights : null;
}
