/** Convolutions and pooling at places that are computed, by sampling there. */
import { unsupported } from '../../error.ts';
import { int, ints, type OnnxAttribute, type OnnxNode } from '../../onnx/model.ts';
import {
  add,
  div,
  greater,
  has,
  integer,
  less,
  mul,
  number,
  reshape,
  type Size,
  sizesOf,
  slice,
  string,
  sub,
  text,
  where,
} from '../emitter.ts';
import { windowOf } from '../operators/window.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const regionLowerings: Readonly<Record<string, Lowering>> = {
  DeformConv: deformed,
  RoiAlign: aligned,
};

/** Between the four pixels around a place, with corners at the edges of pixels. */
function samplingOf({ opset }: Lower): Readonly<Record<string, OnnxAttribute>> {
  return { mode: string(opset < 20 ? 'bilinear' : 'linear'), align_corners: int(0) };
}

/** From places of an image to [−1, 1], as sampling without aligned corners counts. */
function relative(context: Lower, place: string, size: number): string {
  return sub(context, mul(context, add(context, place, 0.5), 2 / size), 1);
}

interface Deformed {
  readonly rows: Size;
  readonly groups: number;
  readonly taps: number;
  readonly out: readonly [number, number];
  readonly image: readonly [number, number];
  /** Where each tap of each place lies before it is moved, [2, taps, out]. */
  readonly places: readonly Float32Array[];
}

/** Dai et al. 2017, equation 2; with a mask Zhu et al. 2019, equation 1. */
function deformed(context: Lower, forward: OnnxNode): void {
  const [x = '', weights = '', offset = '', bias = '', mask = ''] = forward.inputs;
  const [, channels = 1, ...spatial] = context.shape(x);
  const [outs = 1, , ...kernel] = context.shape(weights);
  const [, , high = 1, wide = 1] = context.shape(forward.outputs[0] ?? '');
  const [height = 1, width = 1] = spatial;
  if (spatial.length !== 2) throw unsupported('DeformConv', forward.name, 'it is not of pictures');
  const window = windowOf(forward, spatial, kernel);
  const groups = integer(forward, 'offset_group', 1);
  const taps = kernel.reduce((product, size) => product * size, 1);
  const places = [0, 1].map((axis) => {
    const [stride, dilation] = [window.strides[axis] ?? 1, window.dilations[axis] ?? 1];
    const wideKernel = kernel[1] ?? 1;
    return Float32Array.from({ length: taps * high * wide }, (_, at) => {
      const [tap, place] = [Math.floor(at / (high * wide)), at % (high * wide)];
      const along = axis === 0 ? Math.floor(place / wide) : place % wide;
      const step = axis === 0 ? Math.floor(tap / wideKernel) : tap % wideKernel;
      return along * stride - (window.pads[axis] ?? 0) + step * dilation;
    });
  });
  const [rows = 1] = sizesOf(context, x);
  const of: Deformed = { rows, groups, taps, out: [high, wide], image: [height, width], places };
  const parts = Array.from({ length: groups }, (_, group) => {
    const share = channels / groups;
    const own = slice(context, x, { axis: 1, start: group * share, end: (group + 1) * share });
    const seen = context.emit(
      'GridSample',
      [own, gridOf(context, offset, group, of)],
      samplingOf(context),
    );
    const masked = mask === '' ? seen : mul(context, seen, maskOf(context, mask, group, of));
    return reshape(context, masked, [rows, share, taps, high * wide]);
  });
  const all =
    parts.length === 1 ? (parts[0] ?? '') : context.emit('Concat', parts, { axis: int(1) });
  const own = integer(forward, 'group', 1);
  const columns = reshape(context, all, [rows, own, (channels / own) * taps, high * wide]);
  const filters = reshape(context, weights, [own, outs / own, (channels / own) * taps]);
  const product = context.emit('MatMul', [filters, columns]);
  const whole = reshape(context, product, [rows, outs, high, wide]);
  const stand = (): string => reshape(context, bias, [outs, 1, 1]);
  context.output(forward, 0, has(forward, 3) ? add(context, whole, stand()) : whole);
}

/** Offsets come group by group, tap by tap, first down and then across. */
function gridOf(context: Lower, offset: string, group: number, of: Deformed): string {
  const { rows, groups, taps, out, image, places } = of;
  const area = out[0] * out[1];
  const apart = reshape(context, offset, [rows, groups, taps, 2, area]);
  const own = slice(context, apart, { axis: 1, start: group, end: group + 1 });
  const coordinates = [1, 0].map((axis) => {
    const part = slice(context, own, { axis: 3, start: axis, end: axis + 1 });
    const moved = reshape(context, part, [rows, taps * out[0], out[1], 1]);
    const fixed = context.floats([1, taps * out[0], out[1], 1], places[axis] ?? []);
    return relative(context, add(context, moved, fixed), image[axis] ?? 1);
  });
  return context.emit('Concat', coordinates, { axis: int(3) });
}

function maskOf(context: Lower, mask: string, group: number, of: Deformed): string {
  const { rows, groups, taps, out } = of;
  const apart = reshape(context, mask, [rows, groups, taps * out[0], out[1]]);
  return slice(context, apart, { axis: 1, start: group, end: group + 1 });
}

/** He et al. 2017, section 3: means of bilinear samples within each bin of a region. */
function aligned(context: Lower, forward: OnnxNode): void {
  const [x = '', regions = '', rows = ''] = forward.inputs;
  const [, , height = 1, width = 1] = context.shape(x);
  const samples = integer(forward, 'sampling_ratio', 0);
  if (samples === 0 || text(forward, 'mode', 'avg') !== 'avg') {
    const why = 'it takes the greatest sample, or as many as the region is large';
    throw unsupported('RoiAlign', forward.name, why);
  }
  const sizes = [integer(forward, 'output_height', 1), integer(forward, 'output_width', 1)];
  const half = text(forward, 'coordinate_transformation_mode', 'half_pixel') === 'half_pixel';
  const scale = number(forward, 'spatial_scale', 1);
  // Regions are x1, y1, x2, y2.
  const edge = (index: number): string => {
    const part = slice(context, regions, { axis: 1, start: index, end: index + 1 });
    return sub(context, mul(context, part, scale), half ? 0.5 : 0);
  };
  const [count = 1] = sizesOf(context, regions);
  const along = (axis: number): { grid: string; outside: string } => {
    const [bins, size] = [sizes[axis] ?? 1, [height, width][axis] ?? 1];
    const [low, high] = [edge(1 - axis), edge(3 - axis)];
    const length = sub(context, high, low);
    const whole = half ? length : context.emit('Max', [length, context.floats([], [1])]);
    const steps = Float32Array.from({ length: bins * samples }, (_, i) => (i + 0.5) / samples);
    const bin = div(context, whole, bins);
    const place = add(context, mul(context, bin, context.floats([1, steps.length], steps)), low);
    const flat = reshape(context, place, [count, ...lying(axis, steps.length), 1]);
    const beyond = [less(context, flat, -1), greater(context, flat, size)];
    return { grid: relative(context, flat, size), outside: context.emit('Or', beyond) };
  };
  const [down, across] = [along(0), along(1)];
  const full = (own: string, other: string): string => add(context, own, mul(context, other, 0));
  const grid = context.emit(
    'Concat',
    [full(across.grid, down.grid), full(down.grid, across.grid)],
    { axis: int(3) },
  );
  const taken = context.emit('Gather', [x, rows], { axis: int(0) });
  const border = { ...samplingOf(context), padding_mode: string('border') };
  const seen = context.emit('GridSample', [taken, grid], border);
  const outside = context.emit('Or', [down.outside, across.outside]);
  const [tall, wide] = sizes.map((bins) => bins * samples);
  const gone = reshape(context, outside, [count, 1, tall ?? 1, wide ?? 1]);
  const cut = where(context, gone, 0, seen);
  const window = { kernel_shape: ints([samples, samples]), strides: ints([samples, samples]) };
  context.output(forward, 0, context.emit('AveragePool', [cut], window));
}

function lying(axis: number, length: number): [number, number] {
  return axis === 0 ? [length, 1] : [1, length];
}
