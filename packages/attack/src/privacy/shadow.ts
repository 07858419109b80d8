/**
 * Membership inference beside shadow models: LiRA (Carlini et al. 2022, algorithm 1 and its
 * offline variant) and RMIA (Zarifzadeh et al. 2024, equations 1 to 4), on signals that the caller
 * gathered. A greater score says "member" with more confidence.
 */
import { AttackError } from '../error.ts';

/** Signals of one row: of the model in question, and of models trained with and without it. */
export interface ShadowSignals {
  /** The logit of the right class's share. */
  readonly observed: number;
  readonly inside: readonly number[];
  readonly outside: readonly number[];
}

/** Models from which on each row's own spread is used; below, that of all rows. */
const ownSpreadMin = 64;
const spreadMin = 1e-30;

/** The logarithm of how much likelier the signal is with the row than without it. */
export function liraOnline(rows: readonly ShadowSignals[]): Float64Array {
  const spreads = {
    inside: spreadOf(rows.map(({ inside }) => inside)),
    outside: spreadOf(rows.map(({ outside }) => outside)),
  };
  return Float64Array.from(rows, ({ observed, inside, outside }, i) => {
    const within = logDensity(observed, meanOf(inside), spreads.inside[i] ?? 1);
    return within - logDensity(observed, meanOf(outside), spreads.outside[i] ?? 1);
  });
}

/** How many standard deviations the signal lies above that of models without the row. */
export function liraOffline(rows: readonly ShadowSignals[]): Float64Array {
  const spreads = spreadOf(rows.map(({ outside }) => outside));
  return Float64Array.from(rows, ({ observed, outside }, i) => {
    return (observed - meanOf(outside)) / (spreads[i] ?? 1);
  });
}

/** Shares of the right class for one row: by the model in question and by reference models. */
export interface ReferenceShares {
  readonly observed: number;
  /** Mean over the reference models. */
  readonly reference: number;
}

/**
 * The part of a population that a row is likelier than, each beside what reference models say;
 * `gamma` (default 1) asks for that much likelier.
 */
export function rmia(
  rows: readonly ReferenceShares[],
  population: readonly ReferenceShares[],
  gamma = 1,
): Float64Array {
  if (population.length === 0) {
    throw new AttackError('invalid-data', 'a population of rows expected, got none');
  }
  const ratio = ({ observed, reference }: ReferenceShares): number =>
    observed / Math.max(reference, spreadMin);
  const others = Float64Array.from(population, ratio);
  return Float64Array.from(rows, (row) => {
    const own = ratio(row);
    return others.reduce((sum, other) => sum + (own >= gamma * other ? 1 : 0), 0) / others.length;
  });
}

/** Standard deviations: of each row where there are models enough, else one for all. */
function spreadOf(lists: readonly (readonly number[])[]): number[] {
  const own = lists.map((list) => deviation(list, meanOf(list)));
  const least = Math.min(...lists.map((list) => list.length));
  if (!(least >= 2)) {
    throw new AttackError('invalid-data', `two shadow models a row expected, got ${least}`);
  }
  if (least >= ownSpreadMin) return own.map((spread) => Math.max(spread, spreadMin));
  const all = Math.sqrt(own.reduce((sum, spread) => sum + spread ** 2, 0) / own.length);
  return own.map(() => Math.max(all, spreadMin));
}

function meanOf(list: readonly number[]): number {
  return list.reduce((sum, value) => sum + value, 0) / list.length;
}

function deviation(list: readonly number[], mean: number): number {
  return Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
}

function logDensity(value: number, mean: number, spread: number): number {
  return -Math.log(spread) - ((value - mean) / spread) ** 2 / 2;
}
