/** A point that moves one variable at a time: only the trees that test the variable are walked. */
import { type Forest, leafAt } from './forest.ts';
import type { Goal } from './goal.ts';

/** Where trees stand; `cells` moves along. */
export interface Stand {
  readonly cells: Int32Array;
  /** Moves a variable to a cell if the goal stays reached there; tells whether it does. */
  keepAt(variable: number, cell: number): boolean;
}

/** A stand at some cells, which it takes over. */
export function standAt(forest: Forest, goal: Goal, cells: Int32Array): Stand {
  const { roots, treesOf } = forest;
  const { rivals, worth, guard } = goal;
  const leaf = new Int32Array(roots.length);
  const moved = new Int32Array(roots.length);
  const sums = new Float64Array(rivals);
  const trial = new Float64Array(rivals);
  const add = (to: Float64Array, own: number, sign: number) => {
    for (let r = 0; r < rivals; r++) {
      to[r] = (to[r] ?? 0) + sign * (worth[own * rivals + r] ?? 0);
    }
  };
  for (let tree = 0; tree < roots.length; tree++) {
    leaf[tree] = leafAt(forest, tree, cells);
    add(sums, leaf[tree] ?? 0, 1);
  }
  return {
    cells,
    keepAt: (v, cell) => {
      const before = cells[v] ?? 0;
      const trees = treesOf[v] ?? new Int32Array(0);
      trial.set(sums);
      cells[v] = cell;
      for (let k = 0; k < trees.length; k++) {
        const tree = trees[k] ?? 0;
        const own = leafAt(forest, tree, cells);
        moved[k] = own;
        if (own === leaf[tree]) continue;
        add(trial, own, 1);
        add(trial, leaf[tree] ?? 0, -1);
      }
      if (!(goal.margin(trial) > guard)) {
        cells[v] = before;
        return false;
      }
      sums.set(trial);
      for (let k = 0; k < trees.length; k++) leaf[trees[k] ?? 0] = moved[k] ?? 0;
      return true;
    },
  };
}
