/**
 * The smallest trigger for one class (Neural Cleanse: Wang et al. 2019, equations 2 and 3): a mask
 * over the places of an image and a pattern, such that (1 − mask)·x + mask·pattern is taken for the
 * class whatever x is. Both are written as tangents so that bounds hold by themselves, and moved by
 * Adam; the weight of the mask's L1 length follows how often the trigger works, as in the paper.
 */
import type { Random } from '@merlon/core';
import { gather } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { layoutOf } from '../score/layout.ts';
import type { Bounds } from '../threat.ts';

/** How the search goes, defaults filled in. */
export interface TriggerSearch {
  readonly bounds: Bounds;
  readonly random: Random;
  readonly steps: number;
  readonly stepSize: number;
  /** Rows of one step. */
  readonly batchRows: number;
  /** Share of rows that the trigger must turn. */
  readonly successMin: number;
  readonly signal?: AbortSignal;
  readonly onStep?: () => void;
}

/** The trigger of one class. */
export interface Trigger {
  /** [height, width], each in [0, 1]: how much of a place the pattern covers. */
  readonly mask: Float32Array;
  /** As the shape of a row, within bounds; it only shows where the mask is not 0. */
  readonly pattern: Float32Array;
  /** L1 length of the mask: how many places it covers. */
  readonly length: number;
  /** Share of the last step's rows that it turned, where it was met. */
  readonly success: number;
  /** Whether it ever turned as many rows as it must; otherwise it is the last one met. */
  readonly reached: boolean;
}

const firstWeight = 1e-3;
/** Steps in a row that must succeed, or fail, for the weight to change. */
const patience = 5;
const weightUp = 1.5;
const weightDown = 1.5 ** 1.5;

/** Searches with `steps` × `batchRows` gradients; `x` are rows of other classes, row-major. */
export async function searchTrigger(
  model: DifferentiableClassifier,
  x: Float32Array,
  target: number,
  search: TriggerSearch,
): Promise<Trigger> {
  const { channels, height, width } = layoutOf(model.inputShape);
  const places = height * width;
  const size = channels * places;
  const { random } = search;
  const point = Float64Array.from({ length: places + size }, () => random.normal());
  const adam = adamOf(point.length, search.stepSize);
  const draw = drawer(x, size, search);
  const weight = weightOf();
  let best: Trigger | undefined;
  let last: Trigger | undefined;
  for (let step = 0; step < search.steps; step++) {
    stopWhenAborted(search.signal);
    const now = painted(point, places, search.bounds);
    const rows = draw();
    const labels = new Int32Array(rows.length / size).fill(target);
    const answer = await model.lossGradient(stamp(rows, now), labels);
    const turned = answer.predictions.reduce((sum, own) => sum + (own === target ? 1 : 0), 0);
    const success = turned / labels.length;
    const reached = success >= search.successMin;
    const length = now.mask.reduce((sum, value) => sum + value, 0);
    last = { ...now, length, success, reached };
    if (reached && length < (best?.length ?? Number.POSITIVE_INFINITY)) best = last;
    const slope = slopeOf(rows, answer.gradient, now, weight.now());
    adam.step(point, throughTangent(slope, point, places, search.bounds));
    weight.follow(reached);
    search.onStep?.();
  }
  const found = best ?? last;
  if (found === undefined) throw new RangeError('a trigger was searched for in no steps');
  return found;
}

interface Painted {
  readonly mask: Float32Array;
  readonly pattern: Float32Array;
}

/** Mask and pattern at a point: (tanh + 1) / 2, the pattern stretched to the bounds. */
function painted(point: Float64Array, places: number, { min, max }: Bounds): Painted {
  const half = (value: number): number => (Math.tanh(value) + 1) / 2;
  return {
    mask: Float32Array.from(point.subarray(0, places), half),
    pattern: Float32Array.from(point.subarray(places), (v) => min + (max - min) * half(v)),
  };
}

/** Rows with a trigger on them; a mask covers all channels of its place. */
export function stamp(x: Float32Array, { mask, pattern }: Painted): Float32Array {
  const [places, size] = [mask.length, pattern.length];
  return Float32Array.from(x, (value, i) => {
    const covered = mask[i % places] ?? 0;
    return (1 - covered) * value + covered * (pattern[i % size] ?? 0);
  });
}

/** The slope of the mean loss plus weight × length by mask and pattern. */
function slopeOf(
  x: Float32Array,
  gradient: Float32Array,
  { mask, pattern }: Painted,
  weight: number,
): Float64Array {
  const [places, size] = [mask.length, pattern.length];
  const rows = x.length / size;
  const slope = new Float64Array(places + size).fill(weight, 0, places);
  for (let i = 0; i < x.length; i++) {
    const [place, element] = [i % places, i % size];
    const own = (gradient[i] ?? 0) / rows;
    slope[place] = (slope[place] ?? 0) + own * ((pattern[element] ?? 0) - (x[i] ?? 0));
    slope[places + element] = (slope[places + element] ?? 0) + own * (mask[place] ?? 0);
  }
  return slope;
}

function throughTangent(
  slope: Float64Array,
  point: Float64Array,
  places: number,
  { min, max }: Bounds,
): Float64Array {
  return slope.map((own, i) => {
    const bend = (1 - Math.tanh(point[i] ?? 0) ** 2) / 2;
    return own * bend * (i < places ? 1 : max - min);
  });
}

/** Rows in a random order, again and again. */
function drawer(x: Float32Array, size: number, search: TriggerSearch): () => Float32Array {
  const count = x.length / size;
  const wanted = Math.min(search.batchRows, count);
  let order = search.random.permutation(count);
  let at = 0;
  return () => {
    if (at + wanted > count) {
      order = search.random.permutation(count);
      at = 0;
    }
    const rows = order.subarray(at, at + wanted);
    at += wanted;
    return gather(x, rows, size);
  };
}

/** The weight of the length: 0 until the trigger works, then up while it does and else down. */
function weightOf() {
  let weight = 0;
  let [worked, failed] = [0, 0];
  return {
    now: () => weight,
    follow: (reached: boolean) => {
      worked = reached ? worked + 1 : 0;
      failed = reached ? 0 : failed + 1;
      if (worked >= patience) {
        weight = weight === 0 ? firstWeight : weight * weightUp;
        worked = 0;
      }
      if (failed >= patience) {
        weight /= weightDown;
        failed = 0;
      }
    },
  };
}

/** Adam (Kingma and Ba 2015) with the momenta that the paper's authors use, 0.5 and 0.9. */
function adamOf(length: number, rate: number) {
  const means = new Float64Array(length);
  const squares = new Float64Array(length);
  let t = 0;
  return {
    step: (point: Float64Array, slope: Float64Array) => {
      t++;
      for (const [i, own] of slope.entries()) {
        const mean = 0.5 * (means[i] ?? 0) + 0.5 * own;
        const square = 0.9 * (squares[i] ?? 0) + 0.1 * own * own;
        means[i] = mean;
        squares[i] = square;
        const [m, v] = [mean / (1 - 0.5 ** t), square / (1 - 0.9 ** t)];
        point[i] = (point[i] ?? 0) - (rate * m) / (Math.sqrt(v) + 1e-8);
      }
    },
  };
}
