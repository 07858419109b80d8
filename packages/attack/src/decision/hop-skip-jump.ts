/**
 * HopSkipJump (Chen, Jordan and Wainwright 2020, algorithm 2): walks along the decision boundary
 * towards the clean row, seeing classes only. Rows start from data of another class, which noise
 * rarely hits; every loop is bounded and every query counts against a budget.
 */
import type { Random } from '@merlon/core';
import type { Batch } from '../batch.ts';
import type { Classifier } from '../model/classifier.ts';
import type { Bounds } from '../threat.ts';
import type { Boundary } from './boundary.ts';
import { clip, lengthOf, type Walk, type WalkOptions, walkRows } from './walk.ts';

/** How the walk goes. */
export type HopSkipJumpOptions = WalkOptions;

const firstEvaluations = 50;
const halvingsMax = 12;

/** One candidate for each row: the nearest point of another class that was met, or the row. */
export function hopSkipJump(
  model: Classifier,
  batch: Batch,
  options: HopSkipJumpOptions,
): Promise<Float32Array> {
  return walkRows(model, batch, options, walk);
}

async function walk({ edge, start, bounds, random, norm, away, goesOn }: Walk) {
  let at = start;
  let best = start;
  for (let t = 1; goesOn(best); t++) {
    const now = away(at);
    if (now === 0) break;
    const reach = t === 1 ? 0.1 * (bounds.max - bounds.min) : 0.01 * now;
    const count = Math.min(Math.round(firstEvaluations * Math.sqrt(t)), edge.left);
    const direction = await slope(edge, at, { count, reach, bounds, random, norm });
    const hop = await leap(edge, at, direction, now / Math.sqrt(t), bounds);
    if (hop === undefined) continue;
    at = await edge.approach(hop);
    if (away(at) < away(best)) best = at;
  }
  return best;
}

/** Estimates the direction in which the decision turns fastest, from ±1 answers around a point. */
async function slope(
  edge: Boundary,
  at: Float32Array,
  options: {
    readonly count: number;
    readonly reach: number;
    readonly bounds: Bounds;
    readonly random: Random;
    readonly norm: 'linf' | 'l2';
  },
): Promise<Float32Array> {
  const { count, reach, bounds, random, norm } = options;
  const tried = Array.from({ length: count }, () => {
    const drawn = at.map(() => (norm === 'l2' ? random.normal() : 2 * random.uniform() - 1));
    const length = lengthOf(drawn) || 1;
    return at.map((value, i) => clip(value + (reach * (drawn[i] ?? 0)) / length, bounds));
  });
  const answers = await edge.ask(tried);
  const mean = answers.reduce((sum, answer) => sum + (answer ? 1 : -1), 0) / Math.max(1, count);
  const found = new Float32Array(at.length);
  tried.forEach((point, k) => {
    const sign = answers[k] ? 1 : -1;
    // With equal answers everywhere the mean would cancel all of them.
    const weight = Math.abs(mean) === 1 ? sign : sign - mean;
    for (let i = 0; i < found.length; i++) {
      found[i] = (found[i] ?? 0) + weight * ((point[i] ?? 0) - (at[i] ?? 0));
    }
  });
  if (norm === 'linf') return found.map(Math.sign);
  const length = lengthOf(found) || 1;
  return found.map((value) => value / length);
}

/** The longest of ever shorter jumps that is still of another class. */
async function leap(
  edge: Boundary,
  at: Float32Array,
  direction: Float32Array,
  length: number,
  bounds: Bounds,
): Promise<Float32Array | undefined> {
  for (let k = 0; k < halvingsMax && edge.left > 0; k++) {
    const step = length / 2 ** k;
    const point = at.map((value, i) => clip(value + step * (direction[i] ?? 0), bounds));
    const [answer] = await edge.ask([point]);
    if (answer) return point;
  }
  return undefined;
}
