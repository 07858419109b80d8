/**
 * Best-first search over boxes of cells for the nearest point that turns an ensemble, in the
 * spirit of Kantchelian, Tygar and Joseph 2016, with bounds instead of a solver. Boxes are taken
 * in the order of what reaching them costs; a box whose trees cannot add up to the goal is left
 * out, one whose nearest point turns the model ends the search.
 */

import { type Forest, leafAt } from '../forest.ts';
import type { Goal } from '../goal.ts';
import type { Measure } from '../measure.ts';
import { nearestCell, type Reach } from '../reach.ts';
import { type CellBox, leavesIn, marginBound } from './clique.ts';

/** One row's task: reach its goal at the least cost. */
export interface Task {
  readonly forest: Forest;
  readonly reach: Reach;
  readonly measure: Measure;
  readonly goal: Goal;
  /** Relations between columns, which boxes know nothing of; absent where there are none. */
  readonly relations?: Relations;
}

/** What relations make of a point that reaches the goal. */
export interface Relations {
  /** True when the nearest values of some cells keep them. */
  hold(cells: Int32Array): boolean;
  /** A row near the point that keeps them and reaches the goal; undefined when none was found. */
  settle(cells: Int32Array): Settled | undefined;
  /** Variables that hang together with others. */
  readonly variables: readonly number[];
}

/** A row that keeps relations and reaches the goal. */
export interface Settled {
  readonly row: Float32Array;
  readonly cost: number;
}

interface Open extends CellBox {
  readonly cost: number;
  /** The nearest point of the box. */
  readonly cells: Int32Array;
}

/** What a proof may take. */
export interface ProofLimits {
  /** Trees that are bounded together. */
  readonly together: number;
  readonly boxesMax: number;
  /** Distance beyond which nothing matters. */
  readonly within: number;
}

/** What came of a proof. */
export interface RowProof {
  /** No point below this distance reaches the goal; infinite when none does. */
  readonly lower: number;
  /** True when the search came to its end. */
  readonly exact: boolean;
  /** The nearest point that reaches the goal. */
  readonly cells?: Int32Array;
  /** The nearest row met that keeps relations, where its point alone does not. */
  readonly settled?: Settled;
  readonly boxes: number;
}

/**
 * The nearest point that reaches the goal, or how far off it must be. A point that breaks relations
 * is settled by small moves; what that costs beyond its box stays a gap between the bounds.
 */
export function proveRow(task: Task, limits: ProofLimits): RowProof {
  const { forest, measure, goal, relations } = task;
  const { together, boxesMax, within } = limits;
  const quick = marginBound(forest, goal, 1);
  const tight = marginBound(forest, goal, together);
  const heap: Open[] = [];
  push(heap, task, { low: new Int32Array(forest.last.length), high: forest.last.slice() });
  let boxes = 0;
  let settled: Settled | undefined;
  let gap = Number.POSITIVE_INFINITY;
  const ended = (cost: number, exact: boolean, cells?: Int32Array): RowProof => {
    const least = Math.min(cost, gap);
    const lower = least === Number.POSITIVE_INFINITY ? least : measure.distance(least);
    return { lower, exact, boxes, ...(cells && { cells }), ...(!cells && settled && { settled }) };
  };
  for (let box = pop(heap); box !== undefined; box = pop(heap)) {
    if (settled !== undefined && box.cost >= settled.cost) break;
    if (measure.distance(box.cost) > within || boxes >= boxesMax) return ended(box.cost, false);
    boxes++;
    if (goal.answers(box.cells)) {
      if (relations?.hold(box.cells) ?? true) return ended(box.cost, gap >= box.cost, box.cells);
      const near = relations?.settle(box.cells);
      if (near !== undefined && near.cost < (settled?.cost ?? Infinity)) settled = near;
      const cut = borderOf(task, box, relations?.variables ?? []);
      if (cut === undefined) gap = Math.min(gap, box.cost);
      else for (const half of halves(box, cut)) push(heap, task, half);
      continue;
    }
    // Rounding may turn a margin that is a hair below zero.
    if (quick.most(box) < -goal.guard) continue;
    if (together > 1 && tight.most(box) < -goal.guard) continue;
    for (const half of split(task, box)) push(heap, task, half);
  }
  const cost = settled?.cost ?? Number.POSITIVE_INFINITY;
  return ended(cost, gap >= cost * (1 - 1e-9));
}

/** Halves a box at a test between its nearest point and a better leaf of the most helpful tree. */
function split({ forest, goal }: Task, box: Open): CellBox[] {
  const { boxStart, boxVariable, boxLow, boxHigh, roots } = forest;
  const { rivals, worth } = goal;
  let most = 0;
  let at: { v: number; end: number } | undefined;
  for (let r = 0; r < rivals; r++) {
    for (let tree = 0; tree < roots.length; tree++) {
      const now = worth[leafAt(forest, tree, box.cells) * rivals + r] ?? 0;
      for (const leaf of leavesIn(forest, box, tree)) {
        const gain = (worth[leaf * rivals + r] ?? 0) - now;
        if (!(gain > most)) continue;
        const end = borderOfLeaf(leaf);
        if (end === undefined) continue;
        most = gain;
        at = end;
      }
    }
  }
  const cut = at ?? borderOf({ forest }, box, forest.tested);
  return cut === undefined ? [] : halves(box, cut);

  function borderOfLeaf(leaf: number): { v: number; end: number } | undefined {
    for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
      const v = boxVariable[e] ?? 0;
      const cell = box.cells[v] ?? 0;
      if (cell < (boxLow[e] ?? 0)) return { v, end: (boxLow[e] ?? 0) - 1 };
      if (cell > (boxHigh[e] ?? 0)) return { v, end: boxHigh[e] ?? 0 };
    }
    return undefined;
  }
}

interface Cut {
  readonly v: number;
  /** The last cell of the lower half. */
  readonly end: number;
}

function halves(box: Open, { v, end }: Cut): CellBox[] {
  const low = { low: box.low, high: box.high.slice() };
  const high = { low: box.low.slice(), high: box.high };
  low.high[v] = end;
  high.low[v] = end + 1;
  return [low, high];
}

/** One of some variables that still has two cells, cut beside the nearest point. */
function borderOf(
  { forest }: Pick<Task, 'forest'>,
  box: Open,
  variables: ArrayLike<number>,
): Cut | undefined {
  for (let k = 0; k < variables.length; k++) {
    const v = variables[k] ?? 0;
    const low = box.low[v] ?? 0;
    const high = box.high[v] ?? 0;
    if (low === high || (forest.treesOf[v]?.length ?? 0) === 0) continue;
    const cell = box.cells[v] ?? low;
    return { v, end: cell < high ? cell : cell - 1 };
  }
  return undefined;
}

function push(heap: Open[], task: Task, box: CellBox): void {
  const { forest, reach, measure } = task;
  const cells = new Int32Array(box.low.length);
  let cost = 0;
  for (let v = 0; v < cells.length; v++) {
    const cell = nearestCell(forest, reach, v, box.low[v] ?? 0, box.high[v] ?? 0);
    if (cell < 0) return;
    cells[v] = cell;
    if (cell === reach.own[v]) continue;
    const own = reach.cost[(forest.offset[v] ?? 0) + cell] ?? 0;
    cost = measure.greatest ? Math.max(cost, own) : cost + own;
  }
  heap.push({ ...box, cost, cells });
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if ((heap[parent]?.cost ?? 0) <= (heap[at]?.cost ?? 0)) break;
    swap(heap, at, parent);
    at = parent;
  }
}

function pop(heap: Open[]): Open | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  heap[0] = last;
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if ((heap[child]?.cost ?? Infinity) < (heap[least]?.cost ?? Infinity)) least = child;
    }
    if (least === at) return first;
    swap(heap, at, least);
    at = least;
  }
}

function swap(heap: Open[], a: number, b: number): void {
  const held = heap[a];
  const other = heap[b];
  if (held === undefined || other === undefined) return;
  heap[a] = other;
  heap[b] = held;
}
