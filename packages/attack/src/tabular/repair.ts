/**
 * Makes rows valid with small moves: groups get one member, values go on their grids, relations
 * are settled by moving what the change left alone first, so that the change itself survives.
 */
import type { FeatureSchema } from '@merlon/graph';
import { nearestIn, type Span, spanOf } from './grid.ts';
import type { Rules } from './rules.ts';
import { excessOf } from './rules.ts';

/** Makes a row valid in place as a change of `original`; false when that cannot be done. */
export function repairRow(rules: Rules, row: Float32Array, original: Float32Array): boolean {
  for (const group of rules.groups) oneOf(group, row, original);
  rules.features.forEach((feature, i) => {
    const own = original[i] ?? 0;
    const value = row[i] ?? 0;
    if (!feature.mutable) row[i] = own;
    else if (value !== own) {
      const near = nearestIn(feature, value, spanOf(feature, own));
      row[i] = Number.isNaN(near) ? own : near;
    }
  });
  return settle(rules, row, original);
}

/** Leaves a group with one member: the greatest, of equal ones a new one. */
function oneOf(group: readonly number[], row: Float32Array, original: Float32Array): void {
  if (group.every((at) => row[at] === original[at])) return;
  let winner = group[0] ?? 0;
  for (const at of group) {
    const more = (row[at] ?? 0) - (row[winner] ?? 0);
    const isNew = (original[at] ?? 0) < (original[winner] ?? 0) && (row[at] ?? 0) > 0;
    const isOwn = (original[at] ?? 0) > (original[winner] ?? 0) && !((row[at] ?? 0) > 0);
    if (more > 0 || (more === 0 && (isNew || isOwn))) winner = at;
  }
  for (const at of group) row[at] = at === winner ? 1 : 0;
}

function settle(rules: Rules, row: Float32Array, original: Float32Array): boolean {
  const { edges, sums } = rules;
  if (edges.length + sums.length === 0) return true;
  // Chains settle after as many rounds as there are relations; a cycle that does not is refused.
  for (let round = 0; round <= edges.length + 2 * sums.length; round++) {
    let settled = true;
    for (const edge of edges) {
      const left = row[edge.left] ?? 0;
      const right = row[edge.right] ?? 0;
      if (left <= right) continue;
      settled = false;
      if (move(rules, row, original, edge.left, { low: -Infinity, high: right }, right)) continue;
      if (!move(rules, row, original, edge.right, { low: left, high: Infinity }, left))
        return false;
    }
    for (const sum of sums) {
      if (excessOf(sum, row) === 0) continue;
      settled = false;
      if (!balance(rules, row, original, sum)) return false;
    }
    if (settled) return true;
  }
  return false;
}

/** Puts one feature at the valid value in a span that is nearest to a number. */
function move(
  rules: Rules,
  row: Float32Array,
  original: Float32Array,
  at: number,
  span: Span,
  wanted: number,
): boolean {
  const feature = rules.features[at];
  if (feature === undefined || !canMove(rules, feature, at)) return false;
  const own = spanOf(feature, original[at] ?? 0);
  const low = Math.max(own.low, span.low);
  const value = nearestIn(feature, wanted, { low, high: Math.min(own.high, span.high) });
  if (Number.isNaN(value)) return false;
  row[at] = value;
  return true;
}

function canMove(rules: Rules, feature: FeatureSchema, at: number): boolean {
  return feature.mutable && feature.type !== 'categorical' && !rules.grouped.has(at);
}

/** Moves terms of a linear relation, those left alone first, until it holds. */
function balance(
  rules: Rules,
  row: Float32Array,
  original: Float32Array,
  sum: Rules['sums'][number],
): boolean {
  const alone = sum.terms.filter(({ at }) => row[at] === original[at]);
  const changed = sum.terms.filter(({ at }) => row[at] !== original[at]);
  for (const { at, factor } of [...alone, ...changed]) {
    const excess = excessOf(sum, row);
    if (excess === 0) return true;
    const before = row[at] ?? 0;
    const wanted = before - excess / factor;
    const down = { low: -Infinity, high: Math.max(wanted, -Infinity) };
    const up = { low: wanted, high: Infinity };
    const free = { low: -Infinity, high: Infinity };
    const side = factor > 0 ? down : up;
    // An equation takes the nearest value; "at most" needs the right side of the grid.
    const done = sum.equal ? false : move(rules, row, original, at, side, wanted);
    if (!done && move(rules, row, original, at, free, wanted)) {
      const left = excessOf(sum, row);
      if (Math.abs(left) > Math.abs(excess)) row[at] = before;
    }
  }
  return excessOf(sum, row) === 0;
}
