/**
 * All changes of one variable at once: for every cell of every variable the sums that the trees
 * would have there, the other variables staying. A walk of each tree with one variable left free
 * meets every leaf that matters once; differences at the ends of their ranges add up to the sums.
 */
import type { Forest } from './forest.ts';
import type { Point } from './point.ts';

/** Room for profiles of a forest; used again and again. */
export interface Profile {
  /** Sums [flat cell, target] after `fill`. */
  readonly sums: Float64Array;
  /** Computes the sums of a range of one variable's cells, the others as the point has them. */
  fill(point: ProfilePoint, variable: number, low: number, high: number): void;
}

/** What a profile is computed around. */
export type ProfilePoint = Pick<Point, 'cells' | 'sums' | 'leaf'>;

/** A profile of a forest. */
export function profileOf(forest: Forest): Profile {
  const { offset, targets, variable, cut, left, right, roots, weight } = forest;
  const total = offset[forest.variables.length] ?? 0;
  const sums = new Float64Array(total * targets);
  const stackNode = new Int32Array(4096);
  const stackLow = new Int32Array(4096);
  const stackHigh = new Int32Array(4096);

  const add = (flat: number, leaf: number, sign: number) => {
    for (let k = 0; k < targets; k++) {
      const at = flat * targets + k;
      sums[at] = (sums[at] ?? 0) + sign * (weight[leaf * targets + k] ?? 0);
    }
  };

  const walk = (root: number, cells: Int32Array, v: number, first: number, last: number) => {
    const from = offset[v] ?? 0;
    let depth = 0;
    stackNode[0] = root;
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
      const leaf = ~node;
      add(from + low, leaf, 1);
      if (high < last) add(from + high + 1, leaf, -1);
    }
  };

  const index = leafIndex(forest);
  return {
    sums,
    fill: (point, v, low, high) => {
      const first = (offset[v] ?? 0) + low;
      const last = (offset[v] ?? 0) + high;
      sums.fill(0, first * targets, (last + 1) * targets);
      for (let k = 0; k < targets; k++) sums[first * targets + k] = point.sums[k] ?? 0;
      index.read(point);
      for (let entry = index.head[v] ?? -1; entry >= 0; entry = index.next[entry] ?? -1) {
        // A leaf whose own range holds all of these cells stays the leaf.
        if ((index.low[entry] ?? 0) <= low && (index.high[entry] ?? 0) >= high) continue;
        const tree = index.tree[entry] ?? 0;
        add(first, point.leaf[tree] ?? 0, -1);
        walk(roots[tree] ?? 0, point.cells, v, low, high);
      }
      for (let at = (first + 1) * targets; at < (last + 1) * targets; at++) {
        sums[at] = (sums[at] ?? 0) + (sums[at - targets] ?? 0);
      }
    },
  };
}

/** Which trees test a variable on their way to the leaves of a point, and how far those reach. */
function leafIndex({ variables, roots, boxStart, boxVariable, boxLow, boxHigh }: Forest) {
  const head = new Int32Array(variables.length).fill(-1);
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
