/**
 * Makes a successful row as like the original as it gets: first by putting whole features back,
 * then by moving each remaining feature towards its original value. Every step keeps success, so
 * that the search can stop anywhere; each round removes a feature or narrows an interval, so that
 * it does stop.
 */

import type { Oracle } from '../oracle.ts';
import type { Constraints, RowDistance } from './constraints.ts';

/** True when `a` is nearer: fewer features changed, or as many and by less. */
export function isNearer(a: RowDistance, b: RowDistance): boolean {
  return a.changed !== b.changed ? a.changed < b.changed : a.ranges < b.ranges;
}

const passesMax = 3;

/** Both ways in turn, again as long as moving a feature lets another one go back. */
export async function reduce(
  start: Float32Array,
  original: Float32Array,
  constraints: Constraints,
  oracle: Oracle,
): Promise<Float32Array> {
  let best = start;
  for (let pass = 0; pass < passesMax; pass++) {
    const fewer = await putBack(best, original, constraints, oracle);
    const closer = await moveCloser(fewer, original, constraints, oracle);
    if (closer === best) break;
    best = closer;
  }
  return best;
}

/** Puts features back while that keeps success; the best single one each round. */
async function putBack(
  start: Float32Array,
  original: Float32Array,
  constraints: Constraints,
  oracle: Oracle,
): Promise<Float32Array> {
  let best = start;
  while (true) {
    const distance = constraints.distance(best, original);
    const candidates = constraints.mutable.flatMap((feature) => {
      if (best[feature] === original[feature]) return [];
      const row = best.slice();
      row[feature] = original[feature] ?? 0;
      if (!constraints.repair(row, original)) return [];
      const own = constraints.distance(row, original);
      // Repairing a relation may undo what was put back: only true gains are worth a query.
      return isNearer(own, distance) ? [{ row, own }] : [];
    });
    const answers = await oracle.ask(candidates.map(({ row }) => row));
    const kept = candidates.filter((_, i) => answers[i]);
    const [first, ...others] = kept;
    if (first === undefined) return best;
    best = others.reduce((a, b) => (isNearer(b.own, a.own) ? b : a), first).row;
  }
}

const cuts = 15;
const roundsMax = 8;

/** Moves each changed numeric feature towards its original value by repeated 16-fold cuts. */
async function moveCloser(
  start: Float32Array,
  original: Float32Array,
  constraints: Constraints,
  oracle: Oracle,
): Promise<Float32Array> {
  let best = start;
  for (const feature of constraints.mutable) {
    if (constraints.features[feature]?.type === 'categorical') continue;
    // From this value, known to fail or never asked, the search goes no nearer.
    let near = original[feature] ?? 0;
    for (let round = 0; round < roundsMax && best[feature] !== near; round++) {
      const far = best[feature] ?? 0;
      const candidates = between(near, far, feature, best, original, constraints);
      if (candidates.length === 0) break;
      const answers = await oracle.ask(candidates.map(({ row }) => row));
      const first = answers.indexOf(true);
      const won = candidates[first];
      near = candidates[first < 0 ? candidates.length - 1 : first - 1]?.value ?? near;
      if (won !== undefined) best = won.row;
      else if (oracle.left <= 0) return best;
    }
  }
  return best;
}

/** Valid rows with the feature strictly between two values, nearest to the original first. */
function between(
  near: number,
  far: number,
  feature: number,
  best: Float32Array,
  original: Float32Array,
  constraints: Constraints,
): { value: number; row: Float32Array }[] {
  const distance = constraints.distance(best, original);
  const found: { value: number; row: Float32Array }[] = [];
  let last = near;
  for (let i = 1; i <= cuts; i++) {
    const value = constraints.snap(feature, near + ((far - near) * i) / (cuts + 1));
    if (value === last || value === far || value === near) continue;
    if (value > Math.max(near, far) || value < Math.min(near, far)) continue;
    last = value;
    const row = best.slice();
    row[feature] = value;
    const valid = constraints.repair(row, original) && row[feature] === value;
    if (valid && isNearer(constraints.distance(row, original), distance))
      found.push({ value, row });
  }
  return found;
}
