/** Sampling of images at places that are computed (Jaderberg et al. 2015, section 3.3). */
import { unsupported } from '../../error.ts';
import { elementTypes, int, type OnnxNode } from '../../onnx/model.ts';
import {
  add,
  div,
  greater,
  integer,
  less,
  mul,
  reshape,
  scalar,
  sizesOf,
  slice,
  sub,
  text,
  transpose,
  where,
} from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const samplingLowerings: Readonly<Record<string, Lowering>> = {
  AffineGrid: affineGrid,
  GridSample: gridSample,
};

/** Places of the output, from −1 to 1 along each axis, by a matrix of each row. */
function affineGrid(context: Lower, forward: OnnxNode): void {
  const [theta = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  const sizes = context.shape(y).slice(1, -1);
  const aligned = integer(forward, 'align_corners', 0) === 1;
  const places = sizes.map((size) =>
    Array.from({ length: size }, (_, i) => {
      if (aligned) return size === 1 ? 0 : -1 + (2 * i) / (size - 1);
      return -1 + (2 * i + 1) / size;
    }),
  );
  const all = places.reduce<readonly (readonly number[])[]>(
    (list, axis) => list.flatMap((before) => axis.map((place) => [...before, place])),
    [[]],
  );
  // Coordinates come in the order x, y, z, against that of the axes.
  const rows = all.flatMap((place) => [...place.toReversed(), 1]);
  const base = context.floats([all.length, sizes.length + 1], rows);
  const turned = transpose(context, theta, [0, 2, 1]);
  const grid = context.emit('MatMul', [base, turned]);
  context.output(forward, 0, reshape(context, grid, sizesOf(context, y)));
}

interface Axis {
  /** The size of the image along the axis. */
  readonly size: number;
  readonly aligned: boolean;
  readonly padding: string;
}

interface Tap {
  /** A whole place, which may be outside. */
  readonly at: string;
  readonly weight: string | null;
}

function gridSample(context: Lower, forward: OnnxNode): void {
  const [x = '', grid = ''] = forward.inputs;
  const shape = context.shape(x);
  if (shape.length !== 4) throw unsupported('GridSample', forward.name, 'it samples volumes');
  const [, channels = 1, height = 1, width = 1] = shape;
  const [rows = 1] = sizesOf(context, x);
  const [, high = 1, wide = 1] = context.shape(grid);
  const mode = text(forward, 'mode', 'linear');
  const aligned = integer(forward, 'align_corners', 0) === 1;
  const padding = text(forward, 'padding_mode', 'zeros');
  const along = (index: number, size: number): { axis: Axis; taps: readonly Tap[] } => {
    const part = slice(context, grid, { axis: 3, start: index, end: index + 1 });
    const flat = reshape(context, part, [rows, 1, high * wide]);
    const axis = { size, aligned, padding };
    return { axis, taps: tapsOf(context, placed(context, flat, axis), { ...axis, mode }) };
  };
  const [across, down] = [along(0, width), along(1, height)];
  const image = reshape(context, x, [rows, channels, height * width]);
  const one = context.emit('Shape', [reshape(context, grid, [rows, 1, high * wide, 2])]);
  const to = context.emit('Slice', [one, context.ints([0]), context.ints([3])]);
  const stretch = context.emit(
    'Concat',
    [context.emit('Gather', [to, context.ints([0])]), context.ints([channels, high * wide])],
    { axis: int(0) },
  );
  const parts = down.taps.flatMap((vertical) =>
    across.taps.map((horizontal) => {
      const row = inside(context, vertical.at, down.axis);
      const column = inside(context, horizontal.at, across.axis);
      const place = add(context, mul(context, row.at, width), column.at);
      const index = context.emit('Cast', [place], { to: int(elementTypes.int64) });
      const all = context.emit('Expand', [index, stretch]);
      let value = context.emit('GatherElements', [image, all], { axis: int(2) });
      for (const weight of [vertical.weight, horizontal.weight]) {
        if (weight !== null) value = mul(context, value, weight);
      }
      for (const mask of [row.mask, column.mask]) {
        if (mask !== null) value = where(context, mask, value, 0);
      }
      return value;
    }),
  );
  const sum = parts.reduce((whole, part) => add(context, whole, part));
  context.output(forward, 0, reshape(context, sum, [rows, channels, high, wide]));
}

/** From [−1, 1] to places of the image. */
function placed(context: Lower, value: string, { size, aligned }: Axis): string {
  const from = add(context, value, 1);
  if (aligned) return mul(context, from, (size - 1) / 2);
  return sub(context, mul(context, from, size / 2), 0.5);
}

function tapsOf(
  context: Lower,
  place: string,
  of: Axis & { readonly mode: string },
): readonly Tap[] {
  const cubic = of.mode === 'cubic' || of.mode === 'bicubic';
  const own = cubic ? place : bounded(context, place, of);
  if (of.mode === 'nearest') return [{ at: context.emit('Round', [own]), weight: null }];
  const low = context.emit('Floor', [own]);
  const share = sub(context, own, low);
  if (!cubic) {
    return [
      { at: low, weight: sub(context, 1, share) },
      { at: add(context, low, 1), weight: share },
    ];
  }
  return [-1, 0, 1, 2].map((step) => {
    const far = context.emit('Abs', [sub(context, share, step)]);
    return { at: add(context, low, step), weight: weightOf(context, far, step) };
  });
}

/** Keys 1981 with −0.75; the inner two taps are at most one place away. */
function weightOf(context: Lower, far: string, step: number): string {
  const factor = -0.75;
  const poly = (...terms: readonly number[]): string =>
    terms
      .slice(1)
      .reduce<string>(
        (sum, term) => add(context, mul(context, sum, far), term),
        scalar(context, terms[0] ?? 0),
      );
  if (step === 0 || step === 1) return poly(factor + 2, -(factor + 3), 0, 1);
  return poly(factor, -5 * factor, 8 * factor, -4 * factor);
}

/** Places outside as the padding has them: at the border, reflected, or as they are. */
function bounded(context: Lower, place: string, { size, aligned, padding }: Axis): string {
  if (padding === 'zeros') return place;
  let own = place;
  if (padding === 'reflection') {
    const [low, span] = aligned ? [0, size - 1] : [-0.5, size];
    if (span === 0) return mul(context, place, 0);
    const far = context.emit('Abs', [sub(context, place, low)]);
    const flips = context.emit('Floor', [div(context, far, span)]);
    const extra = sub(context, far, mul(context, flips, span));
    const pairs = context.emit('Floor', [mul(context, flips, 0.5)]);
    const odd = greater(context, sub(context, flips, mul(context, pairs, 2)), 0.5);
    own = add(context, where(context, odd, sub(context, span, extra), extra), low);
  }
  return context.emit('Clip', [own, scalar(context, 0), scalar(context, size - 1)]);
}

/** A place that the image has, and where it was one before. */
function inside(context: Lower, at: string, axis: Axis): { at: string; mask: string | null } {
  const last = axis.size - 1;
  const own = context.emit('Clip', [
    axis.padding === 'reflection' ? bounded(context, at, axis) : at,
    scalar(context, 0),
    scalar(context, last),
  ]);
  if (axis.padding !== 'zeros') return { at: context.emit('Round', [own]), mask: null };
  const low = greater(context, at, -0.5);
  const high = less(context, at, last + 0.5);
  return { at: own, mask: context.emit('And', [low, high]) };
}
