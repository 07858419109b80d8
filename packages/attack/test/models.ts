/** Small models written out in full, for which the right answer of an attack is known. */
import { type Random, seeded } from '@merlon/core';
import type { Session, Tensor, Tensors } from '@merlon/graph';

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

/** The gradient model of a linear classifier: cross-entropy, softmax minus one-hot. */
export function linearGradient(model: Linear, shape: readonly number[] = [model.size]): Session {
  const { size, classes } = model;
  return {
    inputs: [
      { name: 'x', type: 'float32', shape: [-1, ...shape] },
      { name: 'merlon_labels', type: 'int64', shape: [-1] },
    ],
    outputs: [
      { name: 'merlon_scores', type: 'float32', shape: [-1, classes] },
      { name: 'merlon_loss', type: 'float32', shape: [-1] },
      { name: 'merlon_gradient', type: 'float32', shape: [-1, ...shape] },
    ],
    run: async (feeds) => {
      const x = floats(feeds, 'x');
      const labels = feeds.merlon_labels?.data as BigInt64Array;
      const rows = x.length / size;
      const scores = linearScores(model, x);
      const loss = new Float32Array(rows);
      const gradient = new Float32Array(x.length);
      for (let row = 0; row < rows; row++) {
        const own = scores.subarray(row * classes, (row + 1) * classes);
        const most = Math.max(...own);
        const sum = own.reduce((total, score) => total + Math.exp(score - most), 0);
        const label = Number(labels[row]);
        loss[row] = most + Math.log(sum) - (own[label] ?? 0);
        for (let k = 0; k < classes; k++) {
          const pull = Math.exp((own[k] ?? 0) - most) / sum - (k === label ? 1 : 0);
          for (let i = 0; i < size; i++) {
            const at = row * size + i;
            gradient[at] = (gradient[at] ?? 0) + pull * (model.weights[i * classes + k] ?? 0);
          }
        }
      }
      return {
        merlon_scores: tensor([rows, classes], Float32Array.from(scores)),
        merlon_loss: tensor([rows], loss),
        merlon_gradient: tensor([rows, ...shape], gradient),
      };
    },
    close: async () => undefined,
  };
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
