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
  const out = x.slice(0, rows * width);
  for (let i = 0; i < out.length; i++) {
    const value = out[i] ?? Number.NaN;
    const feature = i % width;
    const reason = reasonAgainst(value, range, feature);
    if (reason !== null) {
      return { x, refused: { row: Math.floor(i / width), feature, reason } };
    }
    const step = rounding?.steps[feature] ?? 0;
    const snapped = step > 0 ? Math.round(value / step) * step : value;
    out[i] = noise === undefined ? snapped : snapped + noise.sigma * (random?.normal() ?? 0);
  }
  if (noise !== undefined && noise.sigma > 0 && random === undefined) {
    throw new HardenError('bad-guards', 'noise needs a source of randomness');
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
 * Scores [rows, classes] as callers may see them. The greatest score stays the greatest: where
 * rounding would make it equal to another one, the others are lowered by one unit.
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
    const best = own.indexOf(Math.max(...own));
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

function roundScores(own: Float32Array, best: number, decimals: number): void {
  const unit = 10 ** -decimals;
  for (let k = 0; k < own.length; k++) {
    own[k] = Number(((own[k] ?? 0) as number).toFixed(decimals));
  }
  const top = own[best] ?? 0;
  for (let k = 0; k < own.length; k++) {
    if (k !== best && (own[k] ?? 0) >= top) own[k] = Number((top - unit).toFixed(decimals));
  }
}

/** All but the highest become the lowest told score, or 0 where scores are shares. */
function keepTop(own: Float32Array, best: number, topK: number): void {
  const order = [...own.keys()].sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
  const kept = new Set([best, ...order.filter((k) => k !== best)].slice(0, topK));
  const lowest = Math.min(...[...kept].map((k) => own[k] ?? 0));
  const hidden = Math.min(0, lowest - Math.abs(lowest) * 1e-3 - 1e-3);
  for (let k = 0; k < own.length; k++) if (!kept.has(k)) own[k] = hidden;
}
