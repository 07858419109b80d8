/**
 * The values that a feature may take: a range, cut down by its direction, on a grid where it has
 * one. Grid values are computed in float64 and rounded once, so that equal steps are equal numbers.
 */
import type { FeatureSchema } from '@merlon/graph';
import { ceilFloat32, floorFloat32 } from '../batch.ts';

/** A range of float32 values, both ends allowed. */
export interface Span {
  readonly low: number;
  readonly high: number;
}

/** Distance of two neighbouring values, or undefined for a continuous feature. */
export function stepOf(feature: FeatureSchema): number | undefined {
  return feature.type === 'categorical' ? 1 : feature.step;
}

/** The values that a feature may change to, given its own. */
export function spanOf(feature: FeatureSchema, own: number): Span {
  const low = Math.fround(feature.min);
  const high = Math.fround(feature.max);
  return {
    low: feature.direction === 'increase' ? Math.max(low, own) : low,
    high: feature.direction === 'decrease' ? Math.min(high, own) : high,
  };
}

/** The valid value nearest to a number, whatever the direction. */
export function snapped(feature: FeatureSchema, value: number): number {
  const low = Math.fround(feature.min);
  const high = Math.fround(feature.max);
  const inside = Math.min(Math.max(value, low), high);
  const step = stepOf(feature);
  if (step === undefined) return Math.fround(inside);
  const steps = Math.min(Math.round((inside - feature.min) / step), stepsMax(feature, step));
  return Math.fround(feature.min + Math.max(0, steps) * step);
}

/** The valid value inside a span that is nearest to a number; NaN when the span holds none. */
export function nearestIn(feature: FeatureSchema, wanted: number, span: Span): number {
  const low = Math.max(span.low, Math.fround(feature.min));
  const high = Math.min(span.high, Math.fround(feature.max));
  if (!(low <= high)) return Number.NaN;
  const inside = Math.min(Math.max(wanted, low), high);
  const step = stepOf(feature);
  if (step === undefined) {
    const near = Math.fround(inside);
    if (near < low) return ceilFloat32(low);
    return near > high ? floorFloat32(high) : near;
  }
  const most = stepsMax(feature, step);
  const near = Math.round((inside - feature.min) / step);
  let best = Number.NaN;
  for (const steps of [near, near - 1, near + 1]) {
    if (!(steps >= 0 && steps <= most)) continue;
    const value = Math.fround(feature.min + steps * step);
    if (value < low || value > high) continue;
    const nearer = Math.abs(value - inside) < Math.abs(best - inside);
    if (nearer || Number.isNaN(best)) best = value;
  }
  return best;
}

function stepsMax(feature: FeatureSchema, step: number): number {
  return Math.floor((feature.max - feature.min) / step + 1e-9);
}
