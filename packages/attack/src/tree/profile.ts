/**
 * All changes of one variable at once: for every cell of every variable the sums that the trees
 * would have there, the other variables staying. A walk of each tree with one variable left free
 * meets every leaf that matters once; differences at the ends of their ranges add up to the sums.
 */
import type { Forest } from './forest.ts';

/** Room for profiles of a forest; used again and again. */
export interface Profile {
  /** Sums [flat cell, target] after `fill`. */
  readonly sums: Float64Array;
  /** Computes the sums of one variable's cells around a point of cells. */
  fill(cells: Int32Array, sums: Float64Array, leaf: Int32Array, variable: number): void;
}

/** A profile of a forest. */
export function profileOf(forest: Forest): Profile {
  const { offset, targets, variable, cut, left, right, roots, treesOf, weight } = forest;
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

  const walk = (root: number, cells: Int32Array, v: number, from: number, count: number) => {
    let depth = 0;
    stackNode[0] = root;
    stackLow[0] = 0;
    stackHigh[0] = count - 1;
    while (depth >= 0) {
      let node = stackNode[depth] ?? 0;
      let low = stackLow[depth] ?? 0;
      const high = stackHigh[depth] ?? 0;
      depth--;
      let most = high;
      while (node >= 0) {
        const own = variable[node] ?? 0;
        const end = cut[node] ?? 0;
        if (own !== v) {
          node = ((cells[own] ?? 0) <= end ? left[node] : right[node]) ?? 0;
        } else if (most <= end) node = left[node] ?? 0;
        else if (low > end) node = right[node] ?? 0;
        else {
          depth++;
          stackNode[depth] = right[node] ?? 0;
          stackLow[depth] = end + 1;
          stackHigh[depth] = most;
          most = end;
          node = left[node] ?? 0;
        }
      }
      const leaf = ~node;
      add(from + low, leaf, 1);
      if (most + 1 < count) add(from + most + 1, leaf, -1);
      low = most;
    }
  };

  return {
    sums,
    fill: (cells, now, leaf, v) => {
      const from = offset[v] ?? 0;
      const count = (offset[v + 1] ?? 0) - from;
      sums.fill(0, from * targets, (from + count) * targets);
      for (let k = 0; k < targets; k++) sums[from * targets + k] = now[k] ?? 0;
      for (const tree of treesOf[v] ?? []) {
        add(from, leaf[tree] ?? 0, -1);
        walk(roots[tree] ?? 0, cells, v, from, count);
      }
      for (let at = (from + 1) * targets; at < (from + count) * targets; at++) {
        sums[at] = (sums[at] ?? 0) + (sums[at - targets] ?? 0);
      }
    },
  };
}
