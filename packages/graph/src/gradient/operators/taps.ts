/**
 * The weight gradient of a convolution as one matrix product for each place of the kernel: with
 * channels last, the pixels that a place met, [pixels, I], meet the gradient, [pixels, O]. No
 * buffer holds a picture more than once, and products are what runtimes do best.
 */
import { int } from '../../onnx/model.ts';
import type { Backward } from '../builder.ts';
import { padded, reduceSum, reshape, transpose } from '../emitter.ts';
import type { Window } from './window.ts';

/** What was slid over what. */
export interface Slid {
  /** The large picture [N, I, …]: its value, and the value whose shape it has. */
  readonly image: string;
  readonly imageShape: readonly number[];
  /** What has a pixel for each place of the window [N, O, …]. */
  readonly small: string;
  readonly smallShape: readonly number[];
  readonly window: Window;
}

/** Pixels of a row from which its product is worth one of its own, which threads share out. */
const ownProductMin = 512;

/** The gradient by weights [O, I, …]. */
export function byTaps(context: Backward, slid: Slid): string {
  const { window, imageShape, smallShape } = slid;
  const [, ins = 1, ...spatial] = imageShape;
  const [, outs = 1, ...places] = smallShape;
  const rank = spatial.length;
  const last = [0, ...spatial.map((_, i) => i + 2), 1];
  const [begins, ends] = [window.pads.slice(0, rank), window.pads.slice(rank)];
  const around = [0, ...begins, 0, 0, ...ends, 0];
  const image = padded(context, transpose(context, slid.image, last), around);
  const area = places.reduce((product, size) => product * size, 1);
  const apart = area >= ownProductMin;
  const first = [1, 0, ...places.map((_, i) => i + 2)];
  const gradient = apart
    ? reshape(context, slid.small, [0, outs, area])
    : reshape(context, transpose(context, slid.small, first), [outs, -1]);
  const axes = context.ints(spatial.map((_, i) => i + 1));
  const steps = context.ints(window.strides);
  const taps = tapsOf(window.kernel).map((tap) => {
    const starts = tap.map((at, i) => at * (window.dilations[i] ?? 1));
    const stops = starts.map((at, i) => at + ((places[i] ?? 1) - 1) * (window.strides[i] ?? 1) + 1);
    const met = [image, context.ints(starts), context.ints(stops), axes, steps];
    const taken = context.emit('Slice', met);
    const pixels = reshape(context, taken, apart ? [0, area, ins] : [-1, ins]);
    return context.emit('MatMul', [gradient, pixels]);
  });
  const whole = [outs, ins, ...window.kernel];
  const sums = apart ? taps.map((tap) => reduceSum(context, tap, [0], false)) : taps;
  if (taps.length === 1) return reshape(context, sums[0] ?? '', whole);
  const all = context.emit('Concat', sums, { axis: int(0) });
  const rows = reshape(context, all, [taps.length, outs * ins]);
  // The product with a unit matrix turns rows that are few and long; a move of axes is far slower.
  const unit = context.floats([taps.length, taps.length], unitMatrix(taps.length));
  return reshape(context, context.emit('Gemm', [rows, unit], { transA: int(1) }), whole);
}

function unitMatrix(size: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}

/** Every place of a kernel, row-major. */
function tapsOf(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<readonly (readonly number[])[]>(
    (list, size) => list.flatMap((tap) => Array.from({ length: size }, (_, at) => [...tap, at])),
    [[]],
  );
}
