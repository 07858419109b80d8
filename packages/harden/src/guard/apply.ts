/** Guards at work: pure functions over rows and scores. */
import type { Random } from '@merlon/core';
import { HardenError } from '../error.ts';
import type { GuardConfig } from './config.ts';

/** Why a request is refused: the first value that no guard lets pass. */
export interface Refusal {
  readonly row: number;
  readonly feature: number;
  readonly reason: string;
}

/** Rows after the input guards. */
export interface GuardedInput {
  readonly x: Float32Array;
  readonly refused: Refusal | null;
}

/**
 * Checks and changes rows [rows, width]; never changes its input. NaN and infinities are refused
 * whatever the guards say. Throws `bad-guards` when the guards are made for another width.
 */
export function applyInputGuards(
  config: GuardConfig,
  x: Float32Array,
  rows: number,
  width: number,
  random?: Random,
): GuardedInput {
  const { range, rounding, noise } = config.input ?? {};
  for (const list of [range?.min, rounding?.steps]) {
    if (list !== undefined && list.length !== width) {
      const got = `expected ${width} features, got ${list.length}`;
      throw new HardenError('bad-guards', `guards do not fit the model: ${got}`);
    }
  }
  const sigma = noise?.sigma ?? 0;
  if (sigma > 0 && random === undefined) {
    throw new HardenError('bad-guards', 'noise needs a source of randomness');
  }
  const out = x.slice(0, rows * width);
  for (let i = 0; i < out.length; i++) {
    const value = out[i] ?? Number.NaN;
    const feature = i % width;
    const reason = reasonAgainst(value, range, feature);
    if (reason !== null) {
      return { x, refused: { row: Math.floor(i / width), feature, reason } };
    }
    // Noise comes first, so that counts and categories stay whole.
    const moved = sigma === 0 ? value : value + sigma * (random?.normal() ?? 0);
    const step = rounding?.steps[feature] ?? 0;
    out[i] = step > 0 ? Math.round(moved / step) * step : moved;
  }
  return { x: out, refused: null };
}

function reasonAgainst(
  value: number,
  range: NonNullable<GuardConfig['input']>['range'],
  feature: number,
): string | null {
  if (!Number.isFinite(value)) return `expected a finite number, got ${value}`;
  if (range === undefined) return null;
  const [min = 0, max = 0] = [range.min[feature], range.max[feature]];
  const slack = range.margin * (max - min);
  if (value >= min - slack && value <= max + slack) return null;
  return `expected ${min} to ${max}, got ${Number(value.toPrecision(6))}`;
}

/**
 * Scores [rows, classes] as callers may see them. The first of the greatest stays the greatest:
 * where rounding would make others equal to it, it is raised by one unit, or they are lowered
 * where shares would exceed 1. Throws `invalid-data` when a score is not a number.
 */
export function applyOutputGuards(
  config: GuardConfig,
  scores: Float32Array,
  rows: number,
  classes: number,
): Float32Array {
  const { decimals, topK, labelOnly } = config.output ?? {};
  const out = scores.slice(0, rows * classes);
  for (let row = 0; row < rows; row++) {
    const own = out.subarray(row * classes, (row + 1) * classes);
    const best = bestOf(own, row);
    if (labelOnly === true) {
      own.fill(0);
      own[best] = 1;
    } else {
      if (decimals !== undefined) roundScores(own, best, decimals);
      if (topK !== undefined && topK < classes) keepTop(own, best, topK);
    }
  }
  return out;
}

function bestOf(own: Float32Array, row: number): number {
  let best = 0;
  for (let k = 0; k < own.length; k++) {
    const score = own[k] ?? 0;
    if (Number.isNaN(score)) {
      throw new HardenError('invalid-data', `row ${row}: score ${k} is not a number`);
    }
    if (score > (own[best] ?? 0)) best = k;
  }
  return best;
}

function roundScores(own: Float32Array, best: number, decimals: number): void {
  const rounded = own.map((score) => Number(score.toFixed(decimals)));
  const top = rounded[best] ?? 0;
  const shares = top <= 1 && rounded.every((score) => score >= 0);
  const beside = (by: number): number => {
    return Math.fround(Number((top + by * 10 ** -decimals).toFixed(decimals)));
  };
  const [below, above] = [beside(-1), beside(1)];
  // Numbers so great that a unit is lost in them were not changed by rounding either.
  const isUnit = below < top && above > top;
  const tied = (score: number, k: number): boolean => k !== best && score >= top;
  if (isUnit && rounded.some(tied)) {
    if (shares && above > 1) {
      for (const [k, score] of rounded.entries()) if (tied(score, k)) rounded[k] = below;
    } else rounded[best] = above;
  }
  if (isUnit || !rounded.some((score, k) => k < best && score >= top)) own.set(rounded);
}

/** All but the highest become the lowest told score, or 0 where scores are shares. */
function keepTop(own: Float32Array, best: number, topK: number): void {
  const order = [...own.keys()].sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
  const kept = new Set([best, ...order.filter((k) => k !== best)].slice(0, topK));
  const lowest = Math.min(...[...kept].map((k) => own[k] ?? 0));
  const hidden = Math.min(0, lowest - Math.abs(lowest) * 1e-3 - 1e-3);
  for (let k = 0; k < own.length; k++) if (!kept.has(k)) own[k] = hidden;
}
