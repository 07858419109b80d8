/** Normalisations that go into the operators beside them. */
import { floatsIn, int, node, type OnnxNode, type OnnxTensor } from '../../onnx/model.ts';
import type { Shape } from '../emitter.ts';
import type { Draft } from './draft.ts';

/** Scale and shift of the channels go into weights and bias (Jacob et al. 2018, section 3.2). */
export function foldBatchNorm(draft: Draft, norm: OnnxNode): void {
  const [between, scale = '', shift = '', mean = '', variance = ''] = norm.inputs;
  const conv = draft.onlyUse(between, 'Conv');
  const [means, variances] = [draft.constant(mean), draft.constant(variance)];
  if (conv === null || means === undefined || variances === undefined) return;
  const { training_mode: training, epsilon } = norm.attributes;
  if (norm.outputs.length > 1 || (training?.kind === 'int' && training.value !== 0)) return;
  const small = epsilon?.kind === 'float' ? epsilon.value : 1e-5;
  const inverse = floatsIn(variances).map((value) => 1 / Math.sqrt(value + small));
  const [x = '', weights = '', bias = ''] = conv.inputs;
  const given = { weights, bias, scale, shift };
  const names = Object.values(given).filter((name) => name !== '');
  if (!names.every((name) => draft.constant(name) !== undefined)) return;
  const parts = { ...given, means: floatsIn(means), inverse };
  const fixed = !names.some((name) => draft.isWeight(name));
  const folded = fixed ? foldedNow(draft, parts) : foldedLater(draft, parts);
  draft.replace(conv, []);
  draft.replace(norm, [
    ...folded.nodes,
    { ...conv, inputs: [x, folded.weights, folded.bias], outputs: norm.outputs },
  ]);
}

interface Norm {
  readonly weights: string;
  readonly bias: string;
  readonly scale: string;
  readonly shift: string;
  readonly means: Float32Array;
  readonly inverse: Float32Array;
}

interface Folded {
  readonly nodes: readonly OnnxNode[];
  readonly weights: string;
  readonly bias: string;
}

/** New constants. */
function foldedNow(draft: Draft, of: Norm): Folded {
  const tensor = (name: string) => draft.constant(name) as OnnxTensor;
  const [scale, shift] = [floatsIn(tensor(of.scale)), floatsIn(tensor(of.shift))];
  const weights = tensor(of.weights);
  const values = floatsIn(weights);
  const area = values.length / Math.max(1, scale.length);
  const factors = Float64Array.from(scale, (value, i) => value * (of.inverse[i] ?? 0));
  const bias = of.bias === '' ? new Float32Array(scale.length) : floatsIn(tensor(of.bias));
  const moved = values.map((value, i) => value * (factors[Math.floor(i / area)] ?? 0));
  const added = bias.map((value, i) => {
    return (value - (of.means[i] ?? 0)) * (factors[i] ?? 0) + (shift[i] ?? 0);
  });
  return {
    nodes: [],
    weights: draft.floats(weights.shape, moved),
    bias: draft.floats([scale.length], added),
  };
}

/** Nodes that compute them from what is only known when the graph runs. */
function foldedLater(draft: Draft, of: Norm): Folded {
  const nodes: OnnxNode[] = [];
  const emit = (operator: string, inputs: readonly string[], shape: Shape): string => {
    const output = draft.name(operator, shape);
    nodes.push(node(operator, inputs, [output]));
    return output;
  };
  const whole = draft.shape(of.weights);
  const channels = of.means.length;
  const flat = [channels];
  const factor = emit('Mul', [of.scale, draft.floats(flat, of.inverse)], flat);
  const standing = [channels, ...whole.slice(1).map(() => 1)];
  const tall = emit('Reshape', [factor, draft.sizes(standing)], standing);
  const weights = emit('Mul', [of.weights, tall], whole);
  const less = draft.floats(
    flat,
    of.means.map((value) => -value),
  );
  const centred = of.bias === '' ? less : emit('Add', [of.bias, less], flat);
  const bias = emit('Add', [emit('Mul', [centred, factor], flat), of.shift], flat);
  return { nodes, weights, bias };
}

/** Marks a normalisation whose gradient has a mean of zero; taken off before the graph runs. */
export const centredGradient = 'merlon_centred';

/**
 * Scale and shift of a layer normalisation go into the matrices that it is multiplied by, when it
 * is used for nothing else: (n γ + β) W = n (γ W) + β W. The mean of n is zero, so that the mean of
 * each column of γ W may be taken away; then the mean of the gradient is zero too.
 */
export function foldLayerNorm(draft: Draft, norm: OnnxNode): void {
  const [x = '', scale, shift] = norm.inputs;
  const [y = ''] = norm.outputs;
  const { axis } = norm.attributes;
  const rank = draft.shape(x).length;
  const last = axis === undefined || (axis.kind === 'int' && [-1, rank - 1].includes(axis.value));
  const scales = draft.fixed(scale);
  const shifts = shift === undefined || shift === '' ? null : draft.fixed(shift);
  if (!last || scales === undefined || shifts === undefined) return;
  const products = draft.readers(y);
  if (products === null || products.length === 0 || norm.outputs.length > 1) return;
  const width = draft.shape(x).at(-1) ?? 0;
  const fits = products.every(({ operator, domain, inputs }) => {
    const weights = draft.fixed(inputs[1]);
    const isPlain = operator === 'MatMul' && domain === '' && inputs[0] === y && inputs[1] !== y;
    return isPlain && weights?.shape.length === 2 && weights.shape[0] === width;
  });
  if (!fits || scales.shape.length !== 1) return;
  const factors = floatsIn(scales);
  for (const product of products) {
    multiplied(draft, product, { factors, shifts: shifts === null ? null : floatsIn(shifts) });
  }
  const ones = draft.floats([width], new Float32Array(width).fill(1));
  const attributes = { ...norm.attributes, [centredGradient]: int(1) };
  draft.replace(norm, [{ ...norm, inputs: [x, ones], attributes }]);
}

function multiplied(
  draft: Draft,
  product: OnnxNode,
  of: { readonly factors: Float32Array; readonly shifts: Float32Array | null },
): void {
  const [x = '', name = ''] = product.inputs;
  const [y = ''] = product.outputs;
  const weights = floatsIn(draft.fixed(name) as OnnxTensor);
  const [rows = 0, columns = 0] = draft.shape(name);
  const scaled = new Float32Array(weights.length);
  const moved = new Float64Array(columns);
  const means = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) {
      const weight = weights[row * columns + k] ?? 0;
      scaled[row * columns + k] = (of.factors[row] ?? 0) * weight;
      moved[k] = (moved[k] ?? 0) + (of.shifts?.[row] ?? 0) * weight;
      means[k] = (means[k] ?? 0) + ((of.factors[row] ?? 0) * weight) / rows;
    }
  }
  for (let at = 0; at < scaled.length; at++) {
    scaled[at] = (scaled[at] ?? 0) - (means[at % columns] ?? 0);
  }
  const inputs = [x, draft.floats([rows, columns], scaled)];
  if (of.shifts === null) {
    draft.replace(product, [{ ...product, inputs }]);
    return;
  }
  const add = draft.onlyReader(y, 'Add');
  const bias = draft.fixed(add?.inputs.find((input) => input !== y));
  if (add !== null && bias?.shape.length === 1 && bias.shape[0] === columns) {
    const sum = floatsIn(bias).map((value, k) => value + (moved[k] ?? 0));
    draft.replace(product, [{ ...product, inputs }]);
    draft.replace(add, [{ ...add, inputs: [y, draft.floats([columns], sum)] }]);
    return;
  }
  const middle = draft.like('product', y);
  const shift = draft.floats([columns], Float32Array.from(moved));
  draft.replace(product, [
    { ...product, name: middle, inputs, outputs: [middle] },
    node('Add', [middle, shift], [y]),
  ]);
}
