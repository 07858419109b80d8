/**
 * Last looks at the best ends of a search: smaller and smaller balls climbed for the greatest
 * margin (where the greatest change counts), and a short proof, which on small ensembles finds the
 * very nearest row.
 */
import type { Found } from './descend.ts';
import { rowOfCells } from './descend.ts';
import { proveRow } from './exact/prove.ts';
import { affordable, type Search } from './moves.ts';
import { pointAt } from './point.ts';
import { nearestCell } from './reach.ts';

const halvingsMax = 14;
const climbsMax = 25;
const provedLeavesMax = 600;

/** A nearer row than the one given, or that one. */
export function finish(search: Search, from: Found, boxesMax: number): Found {
  let best = from;
  if (search.measure.greatest) best = smallerBall(search, best);
  if (search.forest.boxStart.length > provedLeavesMax || boxesMax === 0) return best;
  const within = search.measure.distance(best.cost);
  const { cells } = proveRow(search, { together: 1, boxesMax, within });
  const found = cells && rowOfCells(search, cells, undefined);
  return found !== undefined && found.cost < best.cost ? found : best;
}

/** Bisects the radius; inside a ball, variables move to where the trees add up to the most. */
function smallerBall(search: Search, from: Found): Found {
  let best = from;
  let low = 0;
  let high = from.cost;
  for (let k = 0; k < halvingsMax && high - low > 1e-3 * high; k++) {
    const radius = (low + high) / 2;
    const cells = climbInside(search, best.cells, radius);
    const found = cells && rowOfCells(search, cells, undefined);
    if (found !== undefined && found.cost < best.cost) {
      best = found;
      high = Math.min(radius, found.cost);
    } else low = radius;
  }
  return best;
}

function climbInside(search: Search, from: Int32Array, radius: number): Int32Array | undefined {
  const { forest, goal, profile, reach } = search;
  const { offset } = forest;
  const cells = from.slice();
  const ranges = new Map<number, readonly [number, number]>();
  for (let v = 0; v < cells.length; v++) {
    if ((forest.treesOf[v]?.length ?? 0) === 0) continue;
    const [low, high] = affordable(search, v, radius);
    const cell = Math.min(Math.max(cells[v] ?? 0, low), high);
    const start = (offset[v] ?? 0) + cell;
    cells[v] = reach.cost[start] === Infinity ? (reach.own[v] ?? 0) : cell;
    if (low < high) ranges.set(v, [low, high]);
  }
  for (let k = 0; k < climbsMax; k++) {
    const point = pointAt(forest, goal, cells);
    let most = goal.margin(point.sums);
    if (most > goal.guard) return cells;
    let move: readonly [number, number] | undefined;
    for (const [v, [low, high]] of ranges) {
      const count = profile.fill(point, v, low, high);
      const { start, margin } = profile;
      for (let i = 0; i < count; i++) {
        const own = margin[i] ?? 0;
        if (!(own > most)) continue;
        const cell = nearestCell(forest, reach, v, start[i] ?? 0, (start[i + 1] ?? 0) - 1);
        if (cell < 0) continue;
        most = own;
        move = [v, cell];
      }
    }
    if (move === undefined) return undefined;
    cells[move[0]] = move[1];
  }
  return undefined;
}
