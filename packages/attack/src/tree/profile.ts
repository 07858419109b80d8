/**
 * All changes of one variable at once: for every cell of every variable the margin that the trees
 * would have there, the other variables staying. A walk of each tree with one variable left free
 * meets every leaf that matters once; differences at the ends of their ranges add up to the sums.
 */
import type { Forest } from './forest.ts';
import type { Goal } from './goal.ts';
import type { Point } from './point.ts';

/** Room for profiles of a forest; used again and again. */
export interface Profile {
  /** The margin [flat cell] after `fill`. */
  readonly margins: Float64Array;
  /** Computes the margins of a range of one variable's cells, the others as the point has them. */
  fill(point: ProfilePoint, variable: number, low: number, high: number): void;
}

/** What a profile is computed around. */
export type ProfilePoint = Pick<Point, 'cells' | 'sums' | 'leaf'>;

/** A profile of the margin of a goal. */
export function profileOf(forest: Forest, goal: Goal): Profile {
  const { offset, last } = forest;
  const { rivals, worth } = goal;
  const total = offset[last.length] ?? 0;
  const margins = new Float64Array(total);
  const sums = new Float64Array(rivals === 1 ? 0 : total * rivals);
  const differences = rivals === 1 ? margins : sums;
  const walk = walkerOf(forest, goal, differences);
  const index = leafIndex(forest);
  const join = (first: number, end: number) => {
    if (rivals === 1) {
      let sum = goal.base[0] ?? 0;
      for (let at = first; at <= end; at++) {
        sum += margins[at] ?? 0;
        margins[at] = sum;
      }
      return;
    }
    for (let at = (first + 1) * rivals; at < (end + 1) * rivals; at++) {
      sums[at] = (sums[at] ?? 0) + (sums[at - rivals] ?? 0);
    }
    for (let at = first; at <= end; at++) margins[at] = goal.margin(sums, at * rivals);
  };
  return {
    margins,
    fill: (point, v, low, high) => {
      const first = (offset[v] ?? 0) + low;
      const end = (offset[v] ?? 0) + high;
      differences.fill(0, first * rivals, (end + 1) * rivals);
      for (let r = 0; r < rivals; r++) differences[first * rivals + r] = point.sums[r] ?? 0;
      index.read(point);
      for (let entry = index.head[v] ?? -1; entry >= 0; entry = index.next[entry] ?? -1) {
        // A leaf whose own range holds all of these cells stays the leaf.
        if ((index.low[entry] ?? 0) <= low && (index.high[entry] ?? 0) >= high) continue;
        const tree = index.tree[entry] ?? 0;
        const leaf = (point.leaf[tree] ?? 0) * rivals;
        for (let r = 0; r < rivals; r++) {
          const at = first * rivals + r;
          differences[at] = (differences[at] ?? 0) - (worth[leaf + r] ?? 0);
        }
        walk(tree, point.cells, v, low, high);
      }
      join(first, end);
    },
  };
}

/** Walks a tree with one variable free and notes at which cells its leaf changes. */
function walkerOf(forest: Forest, { rivals, worth }: Goal, differences: Float64Array) {
  const { offset, variable, cut, left, right, roots } = forest;
  const stackNode = new Int32Array(4096);
  const stackLow = new Int32Array(4096);
  const stackHigh = new Int32Array(4096);
  return (tree: number, cells: Int32Array, v: number, first: number, last: number): void => {
    const from = offset[v] ?? 0;
    let depth = 0;
    stackNode[0] = roots[tree] ?? 0;
    stackLow[0] = first;
    stackHigh[0] = last;
    while (depth >= 0) {
      let node = stackNode[depth] ?? 0;
      const low = stackLow[depth] ?? 0;
      let high = stackHigh[depth] ?? 0;
      depth--;
      while (node >= 0) {
        const own = variable[node] ?? 0;
        const end = cut[node] ?? 0;
        if (own !== v) {
          node = ((cells[own] ?? 0) <= end ? left[node] : right[node]) ?? 0;
        } else if (high <= end) node = left[node] ?? 0;
        else if (low > end) node = right[node] ?? 0;
        else {
          depth++;
          stackNode[depth] = right[node] ?? 0;
          stackLow[depth] = end + 1;
          stackHigh[depth] = high;
          high = end;
          node = left[node] ?? 0;
        }
      }
      const leaf = ~node * rivals;
      for (let r = 0; r < rivals; r++) {
        const value = worth[leaf + r] ?? 0;
        const start = (from + low) * rivals + r;
        differences[start] = (differences[start] ?? 0) + value;
        const after = (from + high + 1) * rivals + r;
        if (high < last) differences[after] = (differences[after] ?? 0) - value;
      }
    }
  };
}

/** Which trees test a variable on their way to the leaves of a point, and how far those reach. */
function leafIndex({ last, roots, boxStart, boxVariable, boxLow, boxHigh }: Forest) {
  const head = new Int32Array(last.length).fill(-1);
  let room = 1024;
  let known: Int32Array | undefined;
  const grow = (array: Int32Array): Int32Array => {
    const wide = new Int32Array(room);
    wide.set(array);
    return wide;
  };
  const fresh = (): Int32Array => new Int32Array(room);
  const view = {
    head,
    next: fresh(),
    tree: fresh(),
    low: fresh(),
    high: fresh(),
    /** Reads the leaves of a point; nothing is done when it is the one read last. */
    read: (point: ProfilePoint): void => {
      if (known === point.leaf) return;
      known = point.leaf;
      head.fill(-1);
      let count = 0;
      for (let t = 0; t < roots.length; t++) {
        const leaf = point.leaf[t] ?? 0;
        for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
          if (count === room) {
            room *= 2;
            view.next = grow(view.next);
            view.tree = grow(view.tree);
            view.low = grow(view.low);
            view.high = grow(view.high);
          }
          const v = boxVariable[e] ?? 0;
          view.next[count] = head[v] ?? -1;
          view.tree[count] = t;
          view.low[count] = boxLow[e] ?? 0;
          view.high[count] = boxHigh[e] ?? 0;
          head[v] = count++;
        }
      }
    },
  };
  return view;
}
