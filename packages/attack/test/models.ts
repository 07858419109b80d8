/** Small models written out in full, for which the right answer of an attack is known. */
import { type Random, seeded } from '@merlon/core';
import type { Loss, Session, Tensor, Tensors } from '@merlon/graph';
import { type GradientSource, gradientSource } from '../src/model/sessions.ts';

/** A linear classifier: scores = x·weights + bias, `weights` row-major [size, classes]. */
export interface Linear {
  readonly size: number;
  readonly classes: number;
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** A linear classifier with normal weights. */
export function randomLinear(size: number, classes: number, random: Random): Linear {
  const weights = Float32Array.from({ length: size * classes }, () => random.normal());
  const bias = Float32Array.from({ length: classes }, () => random.normal() / 4);
  return { size, classes, weights, bias };
}

/** Scores of rows, in float64. */
export function linearScores(model: Linear, x: Float32Array): Float64Array {
  const { size, classes } = model;
  const rows = x.length / size;
  const scores = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < classes; k++) {
      let sum = model.bias[k] ?? 0;
      for (let i = 0; i < size; i++) {
        sum += (x[row * size + i] ?? 0) * (model.weights[i * classes + k] ?? 0);
      }
      scores[row * classes + k] = sum;
    }
  }
  return scores;
}

/** The linear model as a session with an output of scores. */
export function linearSession(model: Linear, shape: readonly number[] = [model.size]): Session {
  return {
    inputs: [{ name: 'x', type: 'float32', shape: [-1, ...shape] }],
    outputs: [{ name: 'scores', type: 'float32', shape: [-1, model.classes] }],
    run: async (feeds) => {
      const x = floats(feeds, 'x');
      const data = Float32Array.from(linearScores(model, x));
      const rows = x.length / model.size;
      return { scores: { type: 'float32', shape: [rows, model.classes], data } };
    },
    close: async () => undefined,
  };
}

/** The gradient models of a linear classifier: each loss by its definition, in float64. */
export function linearGradient(
  model: Linear,
  shape: readonly number[] = [model.size],
): GradientSource {
  return gradientSource(async (loss) => linearLoss(model, shape, loss));
}

function linearLoss(model: Linear, shape: readonly number[], loss: Loss): Session {
  const { size, classes } = model;
  return {
    inputs: [
      { name: 'x', type: 'float32', shape: [-1, ...shape] },
      { name: 'merlon_labels', type: 'int64', shape: [-1] },
      { name: 'merlon_targets', type: 'int64', shape: [-1] },
      { name: 'merlon_cotangent', type: 'float32', shape: [-1, classes] },
    ],
    outputs: [
      { name: 'merlon_scores', type: 'float32', shape: [-1, classes] },
      { name: 'merlon_loss', type: 'float32', shape: [-1] },
      { name: 'merlon_gradient', type: 'float32', shape: [-1, ...shape] },
    ],
    run: async (feeds) => {
      const x = floats(feeds, 'x');
      const labels = feeds.merlon_labels?.data as BigInt64Array;
      const targets = feeds.merlon_targets?.data as BigInt64Array;
      const rows = x.length / size;
      const scores = linearScores(model, x);
      const values = new Float32Array(rows);
      const gradient = new Float32Array(x.length);
      for (let row = 0; row < rows; row++) {
        const own = [...scores.subarray(row * classes, (row + 1) * classes)];
        const weights = feeds.merlon_cotangent?.data as Float32Array | undefined;
        const { value, pulls } = lossOf(loss, own, {
          label: Number(labels[row]),
          target: Number(targets[row]),
          weights: weights?.subarray(row * classes, (row + 1) * classes),
        });
        values[row] = value;
        for (let k = 0; k < classes; k++) {
          for (let i = 0; i < size; i++) {
            const at = row * size + i;
            const pull = pulls[k] ?? 0;
            gradient[at] = (gradient[at] ?? 0) + pull * (model.weights[i * classes + k] ?? 0);
          }
        }
      }
      return {
        merlon_scores: tensor([rows, classes], Float32Array.from(scores)),
        merlon_loss: tensor([rows], values),
        merlon_gradient: tensor([rows, ...shape], gradient),
      };
    },
    close: async () => undefined,
  };
}

function lossOf(
  loss: Loss,
  z: readonly number[],
  of: { label: number; target: number; weights: Float32Array | undefined },
): { value: number; pulls: number[] } {
  const order = [...z.keys()].sort((a, b) => (z[b] ?? 0) - (z[a] ?? 0));
  const [first = 0, second = 0, third = 0, fourth = 0] = order;
  const other = first === of.label ? second : first;
  const hot = (...ones: [number, number][]) =>
    z.map((_, k) => ones.reduce((sum, [at, weight]) => sum + (at === k ? weight : 0), 0));
  const dot = (pulls: readonly number[]) => pulls.reduce((s, pull, k) => s + pull * (z[k] ?? 0), 0);
  const linear = (pulls: number[]) => ({ value: dot(pulls), pulls });
  const ratio = (top: number[], bottom: number[]) => {
    const value = dot(top) / dot(bottom);
    return { value, pulls: top.map((pull, k) => (pull - value * (bottom[k] ?? 0)) / dot(bottom)) };
  };
  const toTarget = hot([of.target, 1], [of.label, -1]);
  const toOther = hot([other, 1], [of.label, -1]);
  if (loss === 'margin') return linear(toOther);
  if (loss === 'difference') return linear(toTarget);
  if (loss === 'linear') return linear([...(of.weights ?? [])]);
  if (loss === 'dlr') return ratio(toOther, hot([first, 1], [third, -1]));
  if (loss === 'targeted-dlr') {
    return ratio(toTarget, hot([first, 1], [third, -0.5], [fourth, -0.5]));
  }
  const most = Math.max(...z);
  const sum = z.reduce((total, score) => total + Math.exp(score - most), 0);
  const pulls = z.map((score, k) => Math.exp(score - most) / sum - (k === of.label ? 1 : 0));
  return { value: most + Math.log(sum) - (z[of.label] ?? 0), pulls };
}

/** A model that gives labels only, decided row by row. */
export function labelSession(size: number, decide: (row: Float32Array) => number): Session {
  return {
    inputs: [{ name: 'features', type: 'float32', shape: [-1, size] }],
    outputs: [{ name: 'label', type: 'int64', shape: [-1] }],
    run: async (feeds) => {
      const x = floats(feeds, 'features');
      const rows = x.length / size;
      const data = new BigInt64Array(rows);
      for (let row = 0; row < rows; row++) {
        data[row] = BigInt(decide(x.subarray(row * size, (row + 1) * size)));
      }
      return { label: { type: 'int64', shape: [rows], data } };
    },
    close: async () => undefined,
  };
}

/** Rows uniform in [0, 1]. */
export function uniformRows(rows: number, size: number, seed: number): Float32Array {
  const random = seeded(seed);
  return Float32Array.from({ length: rows * size }, () => random.uniform());
}

/** The class of each row by its greatest score. */
export function linearLabels(model: Linear, x: Float32Array): Int32Array {
  const scores = linearScores(model, x);
  const { classes } = model;
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    return own.indexOf(Math.max(...own));
  });
}

function tensor(shape: readonly number[], data: Float32Array): Tensor {
  return { type: 'float32', shape, data };
}

function floats(feeds: Tensors, name: string): Float32Array {
  const data = feeds[name]?.data;
  if (data instanceof Float32Array) return data;
  throw new Error(`the test model expected "${name}"`);
}
