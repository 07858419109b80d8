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
  readonly boxes: number;
}

/** The nearest point that reaches the goal, or how far off it must be. */
export function proveRow(task: Task, limits: ProofLimits): RowProof {
  const { forest, measure, goal } = task;
  const { together, boxesMax, within } = limits;
  const quick = marginBound(forest, goal, 1);
  const tight = marginBound(forest, goal, together);
  const heap: Open[] = [];
  const count = forest.variables.length;
  const high = Int32Array.from(forest.variables, ({ count: own }) => own - 1);
  push(heap, task, { low: new Int32Array(count), high });
  let boxes = 0;
  for (let box = pop(heap); box !== undefined; box = pop(heap)) {
    const lower = measure.distance(box.cost);
    if (lower > within || boxes >= boxesMax) return { lower, exact: false, boxes };
    boxes++;
    if (goal.answers(box.cells)) return { lower, exact: true, cells: box.cells, boxes };
    // Rounding may turn a margin that is a hair below zero.
    if (quick.most(box) < -goal.guard) continue;
    if (together > 1 && tight.most(box) < -goal.guard) continue;
    for (const half of split(task, box)) push(heap, task, half);
  }
  return { lower: Number.POSITIVE_INFINITY, exact: true, boxes };
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
        const end = borderOf(leaf);
        if (end === undefined) continue;
        most = gain;
        at = end;
      }
    }
  }
  const cut = at ?? anyBorder(forest, box);
  if (cut === undefined) return [];
  const low = { low: box.low, high: box.high.slice() };
  const high = { low: box.low.slice(), high: box.high };
  low.high[cut.v] = cut.end;
  high.low[cut.v] = cut.end + 1;
  return [low, high];

  function borderOf(leaf: number): { v: number; end: number } | undefined {
    for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
      const v = boxVariable[e] ?? 0;
      const cell = box.cells[v] ?? 0;
      if (cell < (boxLow[e] ?? 0)) return { v, end: (boxLow[e] ?? 0) - 1 };
      if (cell > (boxHigh[e] ?? 0)) return { v, end: boxHigh[e] ?? 0 };
    }
    return undefined;
  }
}

/** Any variable that still has two cells, cut beside the nearest point. */
function anyBorder(forest: Forest, box: Open): { v: number; end: number } | undefined {
  for (let v = 0; v < forest.variables.length; v++) {
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
