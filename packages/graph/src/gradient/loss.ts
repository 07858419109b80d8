/**
 * Losses on scores [N, K], and where their gradient begins. Each is computed inside the gradient
 * graph, so that one run gives scores, loss and gradient: cross-entropy; the margin; the
 * difference of logits ratio, plain and targeted (Croce and Hein 2020, equations 6 and 7); the
 * difference of two scores; and any linear function of the scores.
 */
import { GraphError } from '../error.ts';
import { elementTypes, int, type OnnxValue } from '../onnx/model.ts';
import { type Backward, reduceSum } from './builder.ts';

/** Every loss; `linear` needs no labels, those with a second class need targets. */
export const losses = [
  'cross-entropy',
  'margin',
  'dlr',
  'targeted-dlr',
  'difference',
  'linear',
] as const;

/** Which loss; all but `linear` grow as the model does worse. */
export type Loss = (typeof losses)[number];

/** Names of inputs and outputs that a gradient model adds. */
export const names = {
  labels: 'merlon_labels',
  targets: 'merlon_targets',
  cotangent: 'merlon_cotangent',
  scores: 'merlon_scores',
  loss: 'merlon_loss',
  gradient: 'merlon_gradient',
} as const;

/** What a loss asks for beside the model's input; a loss without classes enough is refused. */
const needs: Readonly<
  Record<Loss, { inputs: readonly ('labels' | 'targets' | 'cotangent')[]; classesMin: number }>
> = {
  'cross-entropy': { inputs: ['labels'], classesMin: 1 },
  margin: { inputs: ['labels'], classesMin: 2 },
  dlr: { inputs: ['labels'], classesMin: 3 },
  'targeted-dlr': { inputs: ['labels', 'targets'], classesMin: 4 },
  difference: { inputs: ['labels', 'targets'], classesMin: 2 },
  linear: { inputs: ['cotangent'], classesMin: 1 },
};

/** The fewest classes that a loss is defined for. */
export function classesMin(loss: Loss): number {
  return needs[loss].classesMin;
}

/** The inputs that a loss adds: labels and targets int64 [N], a cotangent float32 [N, K]. */
export function lossInputs(
  loss: Loss,
  of: { readonly rows: string | number; readonly classes: number },
): OnnxValue[] {
  return needs[loss].inputs.map((input) =>
    input === 'cotangent'
      ? {
          name: names.cotangent,
          elementType: elementTypes.float32,
          shape: [of.rows, of.classes],
        }
      : { name: names[input], elementType: elementTypes.int64, shape: [of.rows] },
  );
}

interface LossContext {
  readonly context: Backward;
  readonly scores: string;
  readonly classes: number;
}

/**
 * Emits the loss of each row; returns the gradient of their sum by the scores. Throws
 * `shape-mismatch` when the loss is not defined for so few classes.
 */
export function emitLoss(
  context: Backward,
  of: { readonly scores: string; readonly classes: number; readonly loss: Loss },
): { loss: string; seed: string } {
  const { classesMin: least } = needs[of.loss];
  if (of.classes < least) {
    const message = `loss "${of.loss}" expected ${least} classes or more, got ${of.classes}`;
    throw new GraphError('shape-mismatch', message, { hint: 'use the loss "margin"' });
  }
  return emitters[of.loss]({ context, scores: of.scores, classes: of.classes });
}

const emitters: Readonly<Record<Loss, (of: LossContext) => { loss: string; seed: string }>> = {
  'cross-entropy': crossEntropy,
  margin: (of) => difference(of, bestOther(of), hot(of, 'labels')),
  difference: (of) => difference(of, hot(of, 'targets'), hot(of, 'labels')),
  linear: (of) => ({ loss: dot(of, names.cotangent), seed: names.cotangent }),
  dlr: (of) => {
    const [first = '', , third = ''] = ranks(of, 3);
    const top = difference(of, bestOther(of), hot(of, 'labels'));
    return ratio(of, top, difference(of, first, third));
  },
  'targeted-dlr': (of) => {
    const [first = '', , third = '', fourth = ''] = ranks(of, 4);
    const top = difference(of, hot(of, 'targets'), hot(of, 'labels'));
    const low = of.context.emit('Mul', [
      of.context.emit('Add', [third, fourth]),
      of.context.floats([], [0.5]),
    ]);
    return ratio(of, top, difference(of, first, low));
  },
};

function crossEntropy({ context, scores, ...of }: LossContext): { loss: string; seed: string } {
  const right = hot({ context, scores, ...of }, 'labels');
  const logs = context.emit('LogSoftmax', [scores], { axis: int(1) });
  const chosen = reduceSum(context, context.emit('Mul', [logs, right]), [1], false);
  const loss = context.emit('Mul', [chosen, context.floats([], [-1])]);
  const shares = context.emit('Softmax', [scores], { axis: int(1) });
  // p − 1 of a confident row is lost to rounding; the sum of the other shares is the same number
  // with all of its digits, and the signs of the gradient hang on them.
  const wrong = context.emit('Sub', [context.floats([], [1]), right]);
  const others = context.emit('Mul', [shares, wrong]);
  const sum = reduceSum(context, others, [1], true);
  return { loss, seed: context.emit('Sub', [others, context.emit('Mul', [right, sum])]) };
}

/** One row of zeros and a one for each class named by an input. */
function hot({ context, classes }: LossContext, input: 'labels' | 'targets'): string {
  return oneHot(context, names[input], classes);
}

function oneHot(context: Backward, positions: string, classes: number): string {
  const depth = context.ints([classes]);
  const onOff = context.floats([2], [0, 1]);
  return context.emit('OneHot', [positions, depth, onOff], { axis: int(-1) });
}

/** The greatest score but that of the label, as a one-hot row. */
function bestOther(of: LossContext): string {
  return greatest(of, hot(of, 'labels'));
}

/** The greatest score outside a mask, as a one-hot row. */
function greatest({ context, scores, classes }: LossContext, mask: string): string {
  const out = context.emit('Mul', [mask, context.floats([], [1e30])]);
  const rest = context.emit('Sub', [scores, out]);
  const best = context.emit('ArgMax', [rest], { axis: int(1), keepdims: int(0) });
  return oneHot(context, best, classes);
}

/** The greatest scores in order, as one-hot rows. */
function ranks(of: LossContext, count: number): string[] {
  const { context, scores, classes } = of;
  const best = context.emit('ArgMax', [scores], { axis: int(1), keepdims: int(0) });
  const found = [oneHot(context, best, classes)];
  let mask = found[0] ?? '';
  while (found.length < count) {
    const next = greatest(of, mask);
    found.push(next);
    mask = context.emit('Add', [mask, next]);
  }
  return found;
}

/** The scores at `plus` less those at `minus`, both rows of weights, and its gradient. */
function difference(of: LossContext, plus: string, minus: string): { loss: string; seed: string } {
  const seed = of.context.emit('Sub', [plus, minus]);
  return { loss: dot(of, seed), seed };
}

function dot({ context, scores }: LossContext, weights: string): string {
  return reduceSum(context, context.emit('Mul', [scores, weights]), [1], false);
}

/** The quotient of two functions of the scores; the divisor is a spread, never negative. */
function ratio(
  { context }: LossContext,
  top: { readonly loss: string; readonly seed: string },
  bottom: { readonly loss: string; readonly seed: string },
): { loss: string; seed: string } {
  const spread = context.emit('Add', [bottom.loss, context.floats([], [1e-12])]);
  const loss = context.emit('Div', [top.loss, spread]);
  const column = (value: string): string => context.emit('Reshape', [value, context.ints([-1, 1])]);
  const pulled = context.emit('Mul', [column(loss), bottom.seed]);
  const seed = context.emit('Div', [context.emit('Sub', [top.seed, pulled]), column(spread)]);
  return { loss, seed };
}
