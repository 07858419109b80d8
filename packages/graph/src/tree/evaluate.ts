/**
 * The slow readable twin of the runtime's tree operators: the same walks and the same float32
 * additions in the same order (ONNX Runtime with one thread), so that its classes are equal bit
 * for bit. Transforms of the scores are left out: they do not change the class.
 */
import { follow } from './columns.ts';
import { holds, leafMode, type TreeEnsemble, type TreeModel } from './ensemble.ts';

/** Joined weights [rows, targets] before any transform, and the class of each row. */
export interface TreeAnswers {
  readonly sums: Float32Array;
  /** The model's number for the class; −1 for regressors. */
  readonly labels: Int32Array;
}

/** Answers for rows of `width` float32 values each. */
export function evaluateTrees(model: TreeModel, x: Float32Array, width: number): TreeAnswers {
  const { ensemble, columns } = model;
  const rows = x.length / Math.max(1, width);
  const sums = new Float32Array(rows * ensemble.targets);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const features = columns.map((column) => follow(column, x[row * width + column.input] ?? 0));
    const { joined, weighted } = join(ensemble, features);
    sums.set(joined, row * ensemble.targets);
    labels[row] = classOf(model, joined, weighted);
  }
  return { sums, labels };
}

/** The leaf that a row of features ends in. */
export function leafOf(ensemble: TreeEnsemble, root: number, features: ArrayLike<number>): number {
  let node = root;
  while (ensemble.mode[node] !== leafMode) {
    const value = features[ensemble.feature[node] ?? 0] ?? 0;
    node = (holds(ensemble, node, value) ? ensemble.yes[node] : ensemble.no[node]) ?? 0;
  }
  return node;
}

function join(ensemble: TreeEnsemble, features: readonly number[]) {
  const { targets, weightStart, weightTarget, weight, aggregate, roots, base } = ensemble;
  const joined = new Float32Array(targets);
  const weighted = new Uint8Array(targets);
  for (const root of roots) {
    const leaf = leafOf(ensemble, root, features);
    for (let k = weightStart[leaf] ?? 0; k < (weightStart[leaf + 1] ?? 0); k++) {
      const target = weightTarget[k] ?? 0;
      const own = weight[k] ?? 0;
      const before = joined[target] ?? 0;
      const first = weighted[target] === 0;
      if (aggregate === 'min') joined[target] = first ? own : Math.min(before, own);
      else if (aggregate === 'max') joined[target] = first ? own : Math.max(before, own);
      else joined[target] = before + own;
      weighted[target] = 1;
    }
  }
  for (let target = 0; target < targets; target++) {
    let value = joined[target] ?? 0;
    if (aggregate === 'average') value = Math.fround(value / roots.length);
    if (base.length > 0) {
      value = Math.fround(value + (base[target] ?? 0));
      weighted[target] = 1;
    }
    joined[target] = value;
  }
  return { joined, weighted };
}

function classOf(model: TreeModel, joined: Float32Array, weighted: Uint8Array): number {
  const { decision, labels } = model;
  if (decision.kind === 'none') return -1;
  if (decision.kind === 'threshold') {
    const above = (joined[decision.target] ?? 0) > decision.above;
    return labels[above ? 1 : 0] ?? 0;
  }
  let best = -1;
  for (let target = 0; target < joined.length; target++) {
    if (weighted[target] === 0) continue;
    if (best < 0 || (joined[target] ?? 0) > (joined[best] ?? 0)) best = target;
  }
  return labels[Math.max(0, best)] ?? 0;
}
