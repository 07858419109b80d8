/** A network of one hidden layer, trained on a few thousand labelled rows, as a surrogate. */
import type { Random } from '@merlon/core';
import type { Batch } from '../batch.ts';

/** A trained surrogate. */
export interface Network {
  /** Its classes, in order, and its weights. */
  readonly classes: readonly number[];
  readonly net: Weights;
  /** Gradient of the cross-entropy at a label by the row's elements. */
  gradient(row: Float32Array, label: number): Float32Array;
  /** The class with the greatest score. */
  predict(row: Float32Array): number;
}

const hidden = 48;
const batchRows = 16;
const learningRate = 0.003;
const epochsMax = 40;
const furtherEpochsMax = 10;
/** Multiplications that training may take: a few seconds on one core. */
const workMax = 1.5e9;

/** How training goes. */
export interface TrainOptions {
  /** A network that was taught some of the rows: its weights are taken further in fewer epochs. */
  readonly from?: Network;
}

/** Trains by Adam on centred rows; answers of classes that no row has are never given. */
export function trainNetwork(
  taught: Batch,
  size: number,
  random: Random,
  { from }: TrainOptions = {},
): Network {
  const classes = [...new Set(taught.labels)].sort((a, b) => a - b);
  const rows = taught.labels.length;
  const width = classes.length;
  const known = from !== undefined && `${from.classes}` === `${classes}` ? from.net : undefined;
  const net = known ?? {
    first: Float32Array.from({ length: size * hidden }, () => random.normal() / Math.sqrt(size)),
    firstBias: new Float32Array(hidden),
    last: Float32Array.from({ length: hidden * width }, () => random.normal() / Math.sqrt(hidden)),
    lastBias: new Float32Array(width),
    mean: meanOf(taught.x, size),
  };
  const shape: Shape = { size, width, mean: net.mean };
  const work = rows * size * hidden * 6;
  const most = known === undefined ? epochsMax : furtherEpochsMax;
  const epochs = Math.max(1, Math.min(most, Math.floor(workMax / work)));
  const optimizer = adam(net);
  const places = new Map(classes.map((label, k) => [label, k]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(rows);
    for (let start = 0; start < rows; start += batchRows) {
      const slopes = zeros(net);
      const some = order.subarray(start, start + batchRows);
      for (const row of some) {
        const own = taught.x.subarray(row * size, (row + 1) * size);
        const at = places.get(taught.labels[row] ?? -1) ?? 0;
        backward(net, shape, own, at, slopes);
      }
      optimizer.step(slopes, some.length);
    }
  }
  return {
    classes,
    net,
    predict: (row) => {
      const { scores } = forward(net, shape, row);
      return classes[scores.indexOf(Math.max(...scores))] ?? -1;
    },
    gradient: (row, label) => backward(net, shape, row, places.get(label) ?? -1),
  };
}

interface Shape {
  readonly size: number;
  readonly width: number;
  readonly mean: Float32Array;
}

/** Weights of both layers: `first` [hidden, size], `last` [hidden, classes]. */
export interface Weights {
  readonly first: Float32Array;
  readonly firstBias: Float32Array;
  readonly last: Float32Array;
  readonly lastBias: Float32Array;
  /** What rows are centred by. */
  readonly mean: Float32Array;
}

function meanOf(x: Float32Array, size: number): Float32Array {
  const mean = new Float32Array(size);
  for (let i = 0; i < x.length; i++) {
    mean[i % size] = (mean[i % size] ?? 0) + ((x[i] ?? 0) * size) / x.length;
  }
  return mean;
}

function forward(net: Weights, { size, width, mean }: Shape, row: Float32Array) {
  const centred = new Float64Array(size);
  for (let i = 0; i < size; i++) centred[i] = (row[i] ?? 0) - (mean[i] ?? 0);
  const middle = new Float64Array(hidden);
  const scores = Float64Array.from(net.lastBias);
  for (let j = 0; j < hidden; j++) {
    let sum = net.firstBias[j] ?? 0;
    const from = j * size;
    for (let i = 0; i < size; i++) sum += (centred[i] ?? 0) * (net.first[from + i] ?? 0);
    middle[j] = sum;
    if (sum <= 0) continue;
    for (let k = 0; k < width; k++) {
      scores[k] = (scores[k] ?? 0) + sum * (net.last[j * width + k] ?? 0);
    }
  }
  return { centred, middle, scores };
}

/** Gradient by the row; or, when `slopes` are given, adds those by the weights to them. */
function backward(
  net: Weights,
  shape: Shape,
  row: Float32Array,
  at: number,
  slopes?: Weights,
): Float32Array {
  const { size, width } = shape;
  const { centred, middle, scores } = forward(net, shape, row);
  const most = scores.reduce((best, score) => Math.max(best, score), Number.NEGATIVE_INFINITY);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  const pull = powers.map((power, k) => power / sum - Number(k === at));
  const gradient = new Float32Array(slopes === undefined ? size : 0);
  for (let j = 0; j < hidden; j++) {
    const value = middle[j] ?? 0;
    if (value <= 0) continue;
    let back = 0;
    for (let k = 0; k < width; k++) back += (pull[k] ?? 0) * (net.last[j * width + k] ?? 0);
    const from = j * size;
    if (slopes === undefined) {
      for (let i = 0; i < size; i++) {
        gradient[i] = (gradient[i] ?? 0) + back * (net.first[from + i] ?? 0);
      }
      continue;
    }
    for (let k = 0; k < width; k++) {
      const own = j * width + k;
      slopes.last[own] = (slopes.last[own] ?? 0) + (pull[k] ?? 0) * value;
    }
    for (let i = 0; i < size; i++) {
      slopes.first[from + i] = (slopes.first[from + i] ?? 0) + back * (centred[i] ?? 0);
    }
    slopes.firstBias[j] = (slopes.firstBias[j] ?? 0) + back;
  }
  for (let k = 0; slopes !== undefined && k < width; k++) {
    slopes.lastBias[k] = (slopes.lastBias[k] ?? 0) + (pull[k] ?? 0);
  }
  return gradient;
}

function zeros(net: Weights): Weights {
  return {
    first: new Float32Array(net.first.length),
    firstBias: new Float32Array(net.firstBias.length),
    last: new Float32Array(net.last.length),
    lastBias: new Float32Array(net.lastBias.length),
    mean: net.mean,
  };
}

/** Adam (Kingma and Ba 2015). */
function adam(net: Weights) {
  const names = ['first', 'firstBias', 'last', 'lastBias'] as const;
  const means = zeros(net);
  const squares = zeros(net);
  let t = 0;
  return {
    step: (slopes: Weights, rows: number) => {
      t++;
      const rate = (learningRate * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t);
      for (const name of names) {
        const [weights, m, v, slope] = [net[name], means[name], squares[name], slopes[name]];
        for (let i = 0; i < weights.length; i++) {
          const own = (slope[i] ?? 0) / rows;
          m[i] = 0.9 * (m[i] ?? 0) + 0.1 * own;
          v[i] = 0.999 * (v[i] ?? 0) + 0.001 * own * own;
          weights[i] = (weights[i] ?? 0) - (rate * (m[i] ?? 0)) / (Math.sqrt(v[i] ?? 0) + 1e-8);
        }
      }
    },
  };
}
