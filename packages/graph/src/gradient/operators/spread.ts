/** The gradient of taking positions along one axis: every element goes back to where it was. */
import { int } from '../../onnx/model.ts';
import type { Backward } from '../builder.ts';
import { add, fromFront, padded, slice, string } from '../emitter.ts';

/** As many gathers are cheaper than one scattering. */
const gathersMax = 4;

/** What was taken: constant positions along an axis of a forward value. */
export interface Taken {
  /** The forward value that positions were taken of. */
  readonly x: string;
  readonly axis: number;
  readonly positions: readonly number[];
}

/** Puts a gradient of the taken positions into zeros of the shape of `x`. */
export function spread(context: Backward, gradient: string, of: Taken): string {
  const { x, axis } = of;
  const size = context.shape(x)[axis] ?? 1;
  const positions = of.positions.map((position) => fromFront(position, size));
  const [first = 0] = positions;
  const rank = context.shape(x).length;
  if (positions.length > 0 && positions.every((position, i) => position === first + i)) {
    const before = Array.from({ length: rank }, (_, i) => (i === axis ? first : 0));
    const after = before.map((_, i) => (i === axis ? size - first - positions.length : 0));
    return padded(context, gradient, [...before, ...after]);
  }
  const sources = Array.from({ length: size }, (): number[] => []);
  for (const [source, position] of positions.entries()) sources[position]?.push(source);
  const most = Math.max(...sources.map((list) => list.length));
  if (most > gathersMax) {
    const at = context.intTensor([positions.length], positions);
    return scattered(context, gradient, { x, axis, positions: at });
  }
  // One more place, which holds zeros, for elements that were not taken.
  const after = Array.from({ length: 2 * rank }, (_, i) => (i === rank + axis ? 1 : 0));
  const extended = padded(context, gradient, after);
  return Array.from({ length: most }, (_, turn) => {
    const from = sources.map((list) => list[turn] ?? positions.length);
    const at = context.intTensor([size], from);
    return context.emit('Gather', [extended, at], { axis: int(axis) });
  }).reduce((sum, part) => add(context, sum, part));
}

/** The same for positions [K] that are only known when the graph runs. */
export function scattered(
  context: Backward,
  gradient: string,
  of: { readonly x: string; readonly axis: number; readonly positions: string },
): string {
  const { x, axis, positions } = of;
  const rank = context.shape(x).length;
  const standing = Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
  const stood = context.emit('Reshape', [positions, context.ints(standing)]);
  // Other axes are those of the gradient: they may be spread later, and are longer until then.
  const sizes = context.emit('Shape', [gradient]);
  const own = context.ints([context.shape(x)[axis] ?? 1]);
  const before = slice(context, sizes, { axis: 0, start: 0, end: axis });
  const after = slice(context, sizes, { axis: 0, start: axis + 1, end: rank });
  const to = context.emit('Concat', [before, own, after], { axis: int(0) });
  const zeros = context.emit('ConstantOfShape', [to]);
  const at = context.emit('Expand', [stood, context.emit('Shape', [gradient])]);
  return context.emit('ScatterElements', [zeros, at, gradient], {
    axis: int(axis),
    reduction: string('add'),
  });
}
