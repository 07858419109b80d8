/** Caches of keys and values, into which each run writes its own. */
import { int, type OnnxNode } from '../../onnx/model.ts';
import { axisOf, has, reshape, sizesOf, text } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const cacheLowerings: Readonly<Record<string, Lowering>> = {
  TensorScatter: written,
};

/** Rows from `write_indices` on, around the end in circular mode, take what is written. */
function written(context: Lower, forward: OnnxNode): void {
  const [cache = '', update = '', starts = ''] = forward.inputs;
  const shape = context.shape(update);
  const axis = axisOf(context, forward, { value: cache, otherwise: -2 });
  const [rows = 1] = sizesOf(context, update);
  const lying = shape.map(() => 1);
  const count = shape[axis] ?? 1;
  const steps = Array.from({ length: count }, (_, i) => i);
  const along = context.intTensor(
    lying.map((_, each) => (each === axis ? count : 1)),
    steps,
  );
  let places = along;
  if (has(forward, 2)) {
    const begin = reshape(context, starts, [rows, ...lying.slice(1)]);
    places = context.emit('Add', [begin, along]);
  }
  if (text(forward, 'mode', 'linear') === 'circular') {
    const length = context.shape(cache)[axis] ?? 1;
    places = context.emit('Mod', [places, context.ints([length])]);
  }
  const all = context.emit('Expand', [places, context.emit('Shape', [update])]);
  const scattered = context.emit('ScatterElements', [cache, all, update], { axis: int(axis) });
  context.output(forward, 0, scattered);
}
