/** Losses on scores [N, K] against labels [N], and where their gradient begins. */
import { int } from '../onnx/model.ts';
import { type Backward, reduceSum } from './builder.ts';

/** Which loss; both grow as the model does worse. */
export type Loss = 'cross-entropy' | 'margin';

/** Names of inputs and outputs that a gradient model adds. */
export const names = {
  labels: 'merlon_labels',
  scores: 'merlon_scores',
  loss: 'merlon_loss',
  gradient: 'merlon_gradient',
} as const;

/** Emits the loss of each row; returns the gradient of their sum by the scores. */
export function emitLoss(
  context: Backward,
  of: { readonly scores: string; readonly classes: number; readonly loss: Loss },
): { loss: string; seed: string } {
  const depth = context.ints([of.classes]);
  const onOff = context.floats([2], [0, 1]);
  const hot = (labels: string): string =>
    context.emit('OneHot', [labels, depth, onOff], { axis: int(-1) });
  const right = hot(names.labels);
  if (of.loss === 'cross-entropy') {
    const logs = context.emit('LogSoftmax', [of.scores], { axis: int(1) });
    const chosen = reduceSum(context, context.emit('Mul', [logs, right]), [1], false);
    const loss = context.emit('Mul', [chosen, context.floats([], [-1])]);
    const shares = context.emit('Softmax', [of.scores], { axis: int(1) });
    // p − 1 of a confident row is lost to rounding; the sum of the other shares is the same number
    // with all of its digits, and the signs of the gradient hang on them.
    const wrong = context.emit('Sub', [context.floats([], [1]), right]);
    const others = context.emit('Mul', [shares, wrong]);
    const sum = reduceSum(context, others, [1], true);
    return { loss, seed: context.emit('Sub', [others, context.emit('Mul', [right, sum])]) };
  }
  // Greatest other score minus the right one: positive once the model is wrong.
  const out = context.emit('Mul', [right, context.floats([], [1e30])]);
  const others = context.emit('Sub', [of.scores, out]);
  const best = context.emit('ArgMax', [others], { axis: int(1), keepdims: int(0) });
  const seed = context.emit('Sub', [hot(best), right]);
  const loss = reduceSum(context, context.emit('Mul', [of.scores, seed]), [1], false);
  return { loss, seed };
}
