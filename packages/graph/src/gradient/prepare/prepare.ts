/**
 * Makes the forward graph cheaper to differentiate without changing what it computes: ReLU moves
 * behind pooling, where there is less of it; normalisations move into the weights beside them;
 * GELU becomes one operation; sizes that are known are not computed.
 */
import type { OnnxNode } from '../../onnx/model.ts';
import { Draft, type Forward } from './draft.ts';
import { gatherGelu } from './gelu.ts';
import { foldBatchNorm, foldLayerNorm } from './norm.ts';

export type { Forward } from './draft.ts';

/** The same scores by fewer operations; `weights` are names that are inputs, not constants. */
export function prepare(
  forward: Omit<Forward, 'added'>,
  of: { readonly scores: string; readonly weights: ReadonlySet<string> },
): Forward {
  const draft = new Draft(forward, of);
  for (const each of forward.nodes) {
    if (each.domain === '') changes[each.operator]?.(draft, each);
  }
  return draft.finish();
}

/** What is done about nodes of an operator. */
const changes: Readonly<Record<string, (draft: Draft, each: OnnxNode) => void>> = {
  MaxPool: poolFirst,
  BatchNormalization: foldBatchNorm,
  LayerNormalization: foldLayerNorm,
  Erf: gatherGelu,
  Reshape: knownSizes,
};

/** max(relu(x)) = relu(max(x)), and the gradient goes the same way, for equal values too. */
function poolFirst(draft: Draft, pool: OnnxNode): void {
  const relu = draft.onlyUse(pool.inputs[0], 'Relu');
  const [x] = relu?.inputs ?? [];
  const [y] = pool.outputs;
  if (relu === null || x === undefined || y === undefined || pool.outputs.length > 1) return;
  const middle = draft.like('pooled', y);
  draft.replace(relu, []);
  draft.replace(pool, [
    { ...pool, inputs: [x], outputs: [middle] },
    { ...relu, inputs: [middle], outputs: [y] },
  ]);
}

/** Computed sizes of which at most one grows with the rows are written down. */
function knownSizes(draft: Draft, reshape: OnnxNode): void {
  const [x = '', sizes] = reshape.inputs;
  const [y = ''] = reshape.outputs;
  const shape = draft.shape(y);
  const growing = draft.growing(y);
  if (draft.fixed(sizes) !== undefined || growing.length > 1 || shape.includes(0)) return;
  const known = shape.map((size, axis) => (growing.includes(axis) ? -1 : size));
  draft.replace(reshape, [{ ...reshape, inputs: [x, draft.sizes(known)], attributes: {} }]);
}
