/**
 * What the search is after: sums of leaf weights for which the class is another one. Sums are
 * kept in float64 while searching; what is returned is decided as the runtime does, in float32 and
 * in the order of the trees, and must not hang on rounding.
 */
import { type Forest, leafAt } from './forest.ts';

/** How far sums are from the goal; positive is success. */
export interface Goal {
  /** Positive when sums [targets] (without base values) are of a wanted class. */
  margin(sums: Float64Array): number;
  /** True when a point reaches the goal for certain, exactly as the runtime adds up. */
  reached(cells: Int32Array): boolean;
  /** The same without the room that rounding gets: what one thread of the runtime says. */
  answers(cells: Int32Array): boolean;
  /** By how much a tree's leaf helps, at most, beside another leaf of the same tree. */
  readonly guard: number;
}

/** Any class but `label`, or the class `target` when it is given. */
export function goalOf(forest: Forest, label: number, target?: number): Goal {
  const { model, roots, targets, weight } = forest;
  const { decision, labels } = model;
  const base = Float64Array.from({ length: targets }, (_, k) => model.ensemble.base[k] ?? 0);
  const divisor = model.ensemble.aggregate === 'average' ? roots.length : 1;
  const wanted = target === undefined ? -1 : labels.indexOf(target);
  const held = labels.indexOf(label);
  const single = decision.kind === 'threshold' ? decision : undefined;
  const margin = (sums: Float64Array): number => {
    if (single !== undefined) {
      const over = (sums[single.target] ?? 0) + (base[single.target] ?? 0) - single.above;
      return (wanted < 0 ? held !== 1 : wanted === 1) ? over : -over;
    }
    const at = (k: number) => (sums[k] ?? 0) / divisor + (base[k] ?? 0);
    const own = wanted < 0 ? held : wanted;
    let other = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < targets; k++) if (k !== own) other = Math.max(other, at(k));
    return wanted < 0 ? other - at(own) : at(own) - other;
  };
  // A few roundings of the largest sum there can be; whoever adds in another order stays inside.
  let largest = 1e-30;
  for (let tree = 0; tree < roots.length; tree++) {
    let most = 0;
    const from = (forest.leafStart[tree] ?? 0) * targets;
    const to = (forest.leafStart[tree + 1] ?? 0) * targets;
    for (let k = from; k < to; k++) most = Math.max(most, Math.abs(weight[k] ?? 0));
    largest += most;
  }
  const guard = largest * 2 ** -22;
  const answers = (cells: Int32Array): boolean => {
    const sums = new Float32Array(targets);
    for (let tree = 0; tree < roots.length; tree++) {
      const leaf = leafAt(forest, tree, cells) * targets;
      for (let k = 0; k < targets; k++) sums[k] = (sums[k] ?? 0) + (weight[leaf + k] ?? 0);
    }
    for (let k = 0; k < targets; k++) {
      sums[k] = Math.fround((sums[k] ?? 0) / divisor) + (base[k] ?? 0);
    }
    let best = 0;
    if (single !== undefined) best = Number((sums[single.target] ?? 0) > single.above);
    else for (let k = 1; k < targets; k++) if ((sums[k] ?? 0) > (sums[best] ?? 0)) best = k;
    return wanted < 0 ? best !== held : best === wanted;
  };
  const reached = (cells: Int32Array): boolean => {
    const sums = new Float64Array(targets);
    for (let tree = 0; tree < roots.length; tree++) {
      const leaf = leafAt(forest, tree, cells) * targets;
      for (let k = 0; k < targets; k++) sums[k] = (sums[k] ?? 0) + (weight[leaf + k] ?? 0);
    }
    return margin(sums) > guard && answers(cells);
  };
  return { margin, reached, answers, guard };
}
