/**
 * The threat model: how far an attacker may move an input, inside which bounds, under which
 * constraints, and what counts as success. Norms are types of their own, so that a radius in one
 * norm is never taken for a radius in another.
 */
import { AttackError } from './error.ts';

/** Norms that distances are measured in; `l0` counts changed elements or features. */
export type Norm = 'linf' | 'l2' | 'l1' | 'l0';

/** Every element may move by at most `epsilon`. */
export interface Linf {
  readonly norm: 'linf';
  readonly epsilon: number;
}

/** The Euclidean length of the change is at most `epsilon`. */
export interface L2 {
  readonly norm: 'l2';
  readonly epsilon: number;
}

/** The changes of all elements add up to at most `epsilon`. */
export interface L1 {
  readonly norm: 'l1';
  readonly epsilon: number;
}

/** At most `epsilon` elements or features may change (infinite: any number). */
export interface L0 {
  readonly norm: 'l0';
  readonly epsilon: number;
}

/** How far an input may be moved. */
export type Budget = Linf | L2 | L1 | L0;

/** Least and greatest value of every element of an input. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** What the attacker wants: any wrong class, or one class for each sample. */
export type Criterion =
  | { readonly kind: 'untargeted' }
  | { readonly kind: 'targeted'; readonly targets: Int32Array };

/** Any wrong class counts. */
export const untargeted: Criterion = { kind: 'untargeted' };

/** Sample i must be taken for class `targets[i]`. */
export function targeted(targets: Int32Array): Criterion {
  return { kind: 'targeted', targets };
}

/** A budget per element; throws `invalid-option` unless 0 ≤ epsilon < ∞. */
export function linf(epsilon: number): Linf {
  return { norm: 'linf', epsilon: radius(epsilon) };
}

/** A Euclidean budget; throws `invalid-option` unless 0 ≤ epsilon < ∞. */
export function l2(epsilon: number): L2 {
  return { norm: 'l2', epsilon: radius(epsilon) };
}

/** A budget for the sum of changes; throws `invalid-option` unless 0 ≤ epsilon < ∞. */
export function l1(epsilon: number): L1 {
  return { norm: 'l1', epsilon: radius(epsilon) };
}

/** A budget of changed elements or features; throws `invalid-option` for a negative number. */
export function l0(epsilon = Number.POSITIVE_INFINITY): L0 {
  if (!(epsilon >= 0)) {
    throw new AttackError('invalid-option', `"epsilon" expected a number ≥ 0, got ${epsilon}`);
  }
  return { norm: 'l0', epsilon };
}

/**
 * A radius as people write it: a number or a fraction such as `8/255`. Throws `invalid-option`
 * unless it is finite and not negative.
 */
export function parseEpsilon(text: string): number {
  const [, above, below = '1'] = /^(\d*\.?\d+)(?:\/(\d*\.?\d+))?$/.exec(text.trim()) ?? [];
  const epsilon = Number(above) / Number(below);
  if (Number.isFinite(epsilon)) return epsilon;
  const message = `"epsilon" expected a number or a fraction such as 8/255, got "${text}"`;
  throw new AttackError('invalid-option', message);
}

/** Bounds of every element; throws `invalid-option` unless both are finite and min < max. */
export function bounds(min: number, max: number): Bounds {
  if (!(Number.isFinite(min) && Number.isFinite(max) && min < max)) {
    throw new AttackError('invalid-option', `"bounds" expected min < max, got ${min}, ${max}`, {
      hint: 'give the least value first, such as 0,1',
    });
  }
  return { min, max };
}

/** True when a prediction is what the attacker wants of sample `index`. */
export function isSuccess(
  criterion: Criterion,
  prediction: number,
  label: number,
  index: number,
): boolean {
  if (criterion.kind === 'targeted') return prediction === criterion.targets[index];
  return prediction !== label;
}

/** Distance of two inputs in a norm; both as rows of equal length. */
export function distance(norm: Norm, a: Float32Array, b: Float32Array): number {
  let most = 0;
  let sum = 0;
  let squares = 0;
  let changed = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    if (difference > most) most = difference;
    sum += difference;
    squares += difference * difference;
    if (difference !== 0) changed++;
  }
  if (norm === 'linf') return most;
  if (norm === 'l1') return sum;
  return norm === 'l2' ? Math.sqrt(squares) : changed;
}

function radius(epsilon: number): number {
  if (Number.isFinite(epsilon) && epsilon >= 0) return epsilon;
  throw new AttackError('invalid-option', `"epsilon" expected a number ≥ 0, got ${epsilon}`);
}
