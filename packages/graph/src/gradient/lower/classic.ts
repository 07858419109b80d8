/** Linear models and scaling of the domain ai.onnx.ml, and losses, as arithmetic. */
import { unsupported } from '../../error.ts';
import { elementTypes, int, type OnnxNode } from '../../onnx/model.ts';
import {
  add,
  div,
  integer,
  mul,
  padded,
  reduceSum,
  reshape,
  scalar,
  sizesOf,
  sub,
  text,
  where,
} from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator of ai.onnx.ml. */
export const classicLowerings: Readonly<Record<string, Lowering>> = {
  Scaler: (context, forward) => {
    const [x = ''] = forward.inputs;
    const [offset, scale] = [floatsOf(forward, 'offset'), floatsOf(forward, 'scale')];
    const moved = sub(context, x, context.floats([offset.length], offset));
    context.output(forward, 0, mul(context, moved, context.floats([scale.length], scale)));
  },
  LinearRegressor: (context, forward) => {
    const targets = integer(forward, 'targets', 1);
    context.output(forward, 0, transformed(context, forward, linear(context, forward, targets)));
  },
  LinearClassifier: (context, forward) => {
    const [x = ''] = forward.inputs;
    const [, y = ''] = forward.outputs;
    const rows = floatsOf(forward, 'coefficients').length / (context.shape(x)[1] ?? 1);
    if (rows !== (context.shape(y)[1] ?? 0)) {
      throw unsupported(forward.operator, forward.name, 'it has one score for two classes');
    }
    context.output(forward, 1, transformed(context, forward, linear(context, forward, rows)));
  },
  Normalizer: (context, forward) => {
    const [x = ''] = forward.inputs;
    const norms = { MAX: 'ReduceMax', L1: 'ReduceL1', L2: 'ReduceL2' } as const;
    const operator = norms[text(forward, 'norm', 'MAX') as keyof typeof norms] ?? norms.MAX;
    const norm = context.emit(operator, [x, context.ints([-1])]);
    const zero = context.emit('Equal', [norm, scalar(context, 0)]);
    context.output(forward, 0, div(context, x, where(context, zero, 1, norm)));
  },
  Imputer: (context, forward) => {
    const [x = ''] = forward.inputs;
    const values = floatsOf(forward, 'imputed_value_floats');
    const replaced = forward.attributes.replaced_value_float;
    const from = replaced?.kind === 'float' ? replaced.value : 0;
    const missing = Number.isNaN(from)
      ? context.emit('IsNaN', [x])
      : context.emit('Equal', [x, scalar(context, from)]);
    const filled = context.emit('Where', [missing, context.floats([values.length], values), x]);
    context.output(forward, 0, filled);
  },
  FeatureVectorizer: (context, forward) => {
    context.output(forward, 0, context.emit('Concat', forward.inputs, { axis: int(1) }));
  },
  ArrayFeatureExtractor: (context, forward) => {
    const [x = '', at = ''] = forward.inputs;
    const flat = context.emit('Reshape', [at, context.ints([-1])]);
    context.output(forward, 0, context.emit('Gather', [x, flat], { axis: int(-1) }));
  },
};

function floatsOf(forward: OnnxNode, name: string): readonly number[] {
  const own = forward.attributes[name];
  return own?.kind === 'floats' ? own.value : [];
}

function linear(context: Lower, forward: OnnxNode, rows: number): string {
  const [x = ''] = forward.inputs;
  const coefficients = floatsOf(forward, 'coefficients');
  const weights = context.floats([rows, coefficients.length / rows], coefficients);
  const turned = context.emit('Transpose', [weights]);
  const product = context.emit('MatMul', [x, turned]);
  const intercepts = floatsOf(forward, 'intercepts');
  if (intercepts.length === 0) return product;
  return add(context, product, context.floats([intercepts.length], intercepts));
}

function transformed(context: Lower, forward: OnnxNode, scores: string): string {
  const how = text(forward, 'post_transform', 'NONE');
  if (how === 'NONE') return scores;
  if (how === 'LOGISTIC') return context.emit('Sigmoid', [scores]);
  if (how === 'SOFTMAX') return context.emit('Softmax', [scores], { axis: int(-1) });
  throw unsupported(forward.operator, forward.name, `it transforms its scores by "${how}"`);
}

/** Lowerings of losses, and of crops around the centre. */
export const lossLowerings: Readonly<Record<string, Lowering>> = {
  SoftmaxCrossEntropyLoss: (context, forward) => {
    const [scores = '', ...others] = forward.inputs;
    const logs = context.emit('LogSoftmax', [scores], { axis: int(1) });
    context.output(forward, 1, logs);
    likelihood(context, { ...forward, inputs: [scores, ...others] }, logs);
  },
  NegativeLogLikelihoodLoss: (context, forward) => {
    likelihood(context, forward, forward.inputs[0] ?? '');
  },
  CenterCropPad: (context, forward) => {
    const [x = ''] = forward.inputs;
    const out = context.shape(forward.outputs[0] ?? '');
    const before = context.shape(x).map((size, axis) => {
      const more = (out[axis] ?? size) - size;
      return more < 0 ? -Math.floor(-more / 2) : Math.floor(more / 2);
    });
    const after = context.shape(x).map((size, axis) => {
      return (out[axis] ?? size) - size - (before[axis] ?? 0);
    });
    const cut = padded(context, x, [...before, ...after]);
    context.output(forward, 0, cut);
  },
};

/** What the named class has of the logarithms, weighted, less its sign. */
function likelihood(context: Lower, forward: OnnxNode, logs: string): void {
  const [scores = '', labels = '', weights = ''] = forward.inputs;
  const reduction = text(forward, 'reduction', 'mean');
  if (reduction !== 'none' && context.rows(scores, 0)) {
    throw unsupported(forward.operator, forward.name, 'it mixes the rows of the batch');
  }
  const ignored = forward.attributes.ignore_index;
  const whole = context.emit('Cast', [labels], { to: int(elementTypes.int64) });
  const skip =
    ignored?.kind === 'int'
      ? context.emit('Equal', [whole, context.intTensor([], [ignored.value])])
      : null;
  const safe =
    skip === null ? whole : context.emit('Where', [skip, context.intTensor([], [0]), whole]);
  const at = context.emit('Unsqueeze', [safe, context.ints([1])]);
  const taken = context.emit('GatherElements', [logs, at], { axis: int(1) });
  const chosen = mul(context, context.emit('Squeeze', [taken, context.ints([1])]), -1);
  const ones = context.emit('Add', [mul(context, chosen, 0), scalar(context, 1)]);
  const own = weights === '' ? ones : context.emit('Gather', [weights, safe]);
  const weight = skip === null ? own : where(context, skip, 0, own);
  const each = mul(context, chosen, weight);
  const axes = [...context.shape(labels).keys()];
  if (reduction === 'none') {
    context.output(forward, 0, reshape(context, each, sizesOf(context, labels)));
    return;
  }
  const sum = reduceSum(context, each, axes, false);
  const mean =
    reduction === 'sum' ? sum : div(context, sum, reduceSum(context, weight, axes, false));
  context.output(forward, 0, mean);
}
