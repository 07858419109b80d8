/**
 * What the search is after: sums of leaf weights for which the class is another one. The margin of
 * a class over another is one linear function of the sums, so that each leaf is worth one number
 * for each such rival. Sums are kept in float64 while searching; what is returned is decided as the
 * runtime does, in float32 and in the order of the trees, and must not hang on rounding.
 */
import { type Forest, leafAt } from './forest.ts';

/** How far sums are from the goal; positive is success. */
export interface Goal {
  /** Margins that count: one for two classes, else one for each other class. */
  readonly rivals: number;
  /** What each leaf adds to each margin [leaf, rival]. */
  readonly worth: Float64Array;
  /** The most that any leaf below an inner node adds [node, rival]. */
  readonly worthBelow: Float64Array;
  /** Margins of sums of zero. */
  readonly base: Float64Array;
  /** True when all margins must be positive (a class is asked for), else any will do. */
  readonly every: boolean;
  /** The margin of sums of worths [rival, from an offset on]; positive is of a wanted class. */
  margin(sums: Float64Array, at?: number): number;
  /** True when a point reaches the goal for certain, exactly as the runtime adds up. */
  reached(cells: Int32Array): boolean;
  /** The same without the room that rounding gets: what one thread of the runtime says. */
  answers(cells: Int32Array): boolean;
  /** The room that rounding gets. */
  readonly guard: number;
}

/** Any class but `label`, or the class `target` when it is given. */
export function goalOf(forest: Forest, label: number, target?: number): Goal {
  const { base, factors } = rivalsOf(forest, label, target);
  const worth = worthsOf(forest, factors);
  const rivals = base.length;
  const worthBelow = worthsBelow(forest, worth, rivals);
  const every = target !== undefined;
  const margin = (sums: Float64Array, at = 0): number => {
    let best = every ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    for (let r = 0; r < rivals; r++) {
      const own = (base[r] ?? 0) + (sums[at + r] ?? 0);
      best = every ? Math.min(best, own) : Math.max(best, own);
    }
    return best;
  };
  const guard = guardOf(forest);
  const answers = answersOf(forest, label, target);
  const sums = new Float64Array(rivals);
  const reached = (cells: Int32Array): boolean => {
    sums.fill(0);
    for (let tree = 0; tree < forest.roots.length; tree++) {
      const leaf = leafAt(forest, tree, cells) * rivals;
      for (let r = 0; r < rivals; r++) sums[r] = (sums[r] ?? 0) + (worth[leaf + r] ?? 0);
    }
    return margin(sums) > guard && answers(cells);
  };
  return { rivals, worth, worthBelow, base, every, margin, reached, answers, guard };
}

/** The margins as linear functions of the sums of weights. */
function rivalsOf(forest: Forest, label: number, target: number | undefined) {
  const { model, roots, targets } = forest;
  const { decision, labels, ensemble } = model;
  const wanted = target === undefined ? -1 : labels.indexOf(target);
  if (target !== undefined && wanted < 0) {
    const never = Float64Array.of(Number.NEGATIVE_INFINITY);
    return { base: never, factors: [new Float64Array(targets)] };
  }
  const own = wanted < 0 ? labels.indexOf(label) : wanted;
  if (decision.kind === 'threshold') {
    const sign = (wanted < 0 ? own !== 1 : wanted === 1) ? 1 : -1;
    const factors = new Float64Array(targets);
    factors[decision.target] = sign;
    const base = sign * ((ensemble.base[decision.target] ?? 0) - decision.above);
    return { base: Float64Array.of(base), factors: [factors] };
  }
  const sign = wanted < 0 ? 1 : -1;
  const divisor = ensemble.aggregate === 'average' ? roots.length : 1;
  const others = Array.from({ length: targets }, (_, k) => k).filter((k) => k !== own);
  const base = others.map((k) => sign * ((ensemble.base[k] ?? 0) - (ensemble.base[own] ?? 0)));
  const factors = others.map((k) => {
    const function_ = new Float64Array(targets);
    function_[k] = sign / divisor;
    if (own >= 0) function_[own] = -sign / divisor;
    return function_;
  });
  return { base: Float64Array.from(base), factors };
}

function worthsOf({ targets, weight, boxStart }: Forest, factors: readonly Float64Array[]) {
  const leaves = boxStart.length - 1;
  const worth = new Float64Array(leaves * factors.length);
  factors.forEach((own, r) => {
    for (let leaf = 0; leaf < leaves; leaf++) {
      let sum = 0;
      for (let k = 0; k < targets; k++) sum += (own[k] ?? 0) * (weight[leaf * targets + k] ?? 0);
      worth[leaf * factors.length + r] = sum;
    }
  });
  return worth;
}

function worthsBelow({ left, right }: Forest, worth: Float64Array, rivals: number): Float64Array {
  const below = new Float64Array(left.length * rivals);
  const of = (node: number, r: number) =>
    (node < 0 ? worth[~node * rivals + r] : below[node * rivals + r]) ?? 0;
  // Children are numbered after their parents.
  for (let node = left.length - 1; node >= 0; node--) {
    for (let r = 0; r < rivals; r++) {
      below[node * rivals + r] = Math.max(of(left[node] ?? 0, r), of(right[node] ?? 0, r));
    }
  }
  return below;
}

/** A few roundings of the largest sum there can be; whoever adds in another order stays inside. */
function guardOf({ roots, leafStart, targets, weight }: Forest): number {
  let largest = 1e-30;
  for (let tree = 0; tree < roots.length; tree++) {
    let most = 0;
    const from = (leafStart[tree] ?? 0) * targets;
    const to = (leafStart[tree + 1] ?? 0) * targets;
    for (let k = from; k < to; k++) most = Math.max(most, Math.abs(weight[k] ?? 0));
    largest += most;
  }
  return largest * 2 ** -22;
}

/** The decision as the runtime makes it: float32 sums in the order of the trees. */
function answersOf(forest: Forest, label: number, target: number | undefined) {
  const { model, roots, targets, weight } = forest;
  const { decision, labels, ensemble } = model;
  const base = Float64Array.from({ length: targets }, (_, k) => ensemble.base[k] ?? 0);
  const divisor = ensemble.aggregate === 'average' ? roots.length : 1;
  const single = decision.kind === 'threshold' ? decision : undefined;
  const wanted = target === undefined ? -1 : labels.indexOf(target);
  const held = labels.indexOf(label);
  const sums = new Float32Array(targets);
  return (cells: Int32Array): boolean => {
    sums.fill(0);
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
    return target === undefined ? best !== held : best === wanted;
  };
}
