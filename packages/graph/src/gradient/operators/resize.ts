/** Gradients of resampling: axis by axis, the transposed matrix of what the operator computes. */
import { unsupported } from '../../error.ts';
import { floatsIn, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { has, integer, integers, listOf, number, text, transpose } from '../emitter.ts';
import { type Resampling, resamplingMatrix } from './resample.ts';

/** Rules by operator. */
export const resizeRules: Readonly<Record<string, GradientRule>> = { Resize: resize };

const matrixMax = 4_000_000;

function resize(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  const [from, to] = [context.shape(x), context.shape(y)];
  let out = gradient;
  for (const [axis, resampling] of resamplings(context, forward).entries()) {
    if (resampling === null) continue;
    if (context.rows(x, axis)) {
      throw unsupported('Resize', forward.name, 'it mixes the rows of the batch');
    }
    const size = (from[axis] ?? 1) * (to[axis] ?? 1);
    if (size > matrixMax) throw unsupported('Resize', forward.name, 'its axes are too long');
    out = alongAxis(context, out, { axis, rank: from.length, resampling });
  }
  context.give(x, out);
}

/** How each axis is resampled; null for axes that stay as they are. */
function resamplings(context: Backward, forward: OnnxNode): readonly (Resampling | null)[] {
  const from = context.shape(forward.inputs[0] ?? '');
  const to = context.shape(forward.outputs[0] ?? '');
  const axes = (integers(forward, 'axes') ?? [...from.keys()]).map((axis) =>
    axis < 0 ? axis + from.length : axis,
  );
  const floatsOf = (input: number): Float32Array | null => {
    const tensor = context.constant(forward.inputs[input] ?? '');
    if (tensor === null && has(forward, input)) {
      throw unsupported('Resize', forward.name, 'its scales are computed');
    }
    const values = tensor === null ? null : floatsIn(tensor);
    return values === null || values.length === 0 ? null : values;
  };
  const region = floatsOf(1);
  const scales = floatsOf(2);
  const transformation = text(forward, 'coordinate_transformation_mode', 'half_pixel');
  const mode = text(forward, 'mode', 'nearest');
  const kind = mode === 'linear' || mode === 'cubic' ? mode : 'nearest';
  const factor = scales === null ? commonScale(context, forward, axes) : null;
  return from.map((size, axis) => {
    const i = axes.indexOf(axis);
    const asked = scales?.[i] ?? factor ?? (to[axis] ?? 1) / Math.max(1, size);
    const cut = [region?.[i] ?? 0, region?.[i + axes.length] ?? 1] as const;
    // The runtime crops no axis that it does not scale.
    if (i < 0 || (size === to[axis] && asked === 1)) return null;
    return {
      from: size,
      to: to[axis] ?? 1,
      scale: asked,
      mode: kind,
      transformation,
      nearest: text(forward, 'nearest_mode', 'round_prefer_floor'),
      cubicFactor: number(forward, 'cubic_coeff_a', -0.75),
      excludesOutside: integer(forward, 'exclude_outside', 0) === 1,
      antialias: integer(forward, 'antialias', 0) === 1,
      region: cut,
    };
  });
}

/** The one scale of a resampling that keeps proportions; null where every axis has its own. */
function commonScale(context: Backward, forward: OnnxNode, axes: readonly number[]): number | null {
  const policy = text(forward, 'keep_aspect_ratio_policy', 'stretch');
  if (policy === 'stretch') return null;
  const from = context.shape(forward.inputs[0] ?? '');
  const sizes = listOf(context, forward, 3) ?? [];
  const all = axes.map((axis, i) => (sizes[i] ?? 1) / (from[axis] ?? 1));
  return policy === 'not_larger' ? Math.min(...all) : Math.max(...all);
}

function alongAxis(
  context: Backward,
  value: string,
  of: { readonly axis: number; readonly rank: number; readonly resampling: Resampling },
): string {
  const { axis, rank, resampling } = of;
  const { from, to } = resampling;
  const matrix = resamplingMatrix(resampling);
  if (axis === rank - 2) {
    const turned = new Float32Array(matrix.length);
    for (let row = 0; row < to; row++) {
      for (let column = 0; column < from; column++) {
        turned[column * to + row] = matrix[row * from + column] ?? 0;
      }
    }
    return context.emit('MatMul', [context.floats([from, to], turned), value]);
  }
  const perm = Array.from({ length: rank }, (_, i) => i);
  [perm[axis], perm[rank - 1]] = [rank - 1, axis];
  const last = transpose(context, value, perm);
  const product = context.emit('MatMul', [last, context.floats([to, from], matrix)]);
  return transpose(context, product, perm);
}
