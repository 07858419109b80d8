/**
 * TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 to 3): nodes are rows of equally
 * long lists, leaves are nodes, and weights point at leaves by tree and node number.
 */
import { invalidModel } from '../error.ts';
import type { OnnxNode } from '../onnx/model.ts';
import { notUnderstood, numbers, textOr, texts } from './attributes.ts';
import { type Aggregate, leafMode, type Transform, type TreeEnsemble } from './ensemble.ts';

const modeNames: Readonly<Record<string, number>> = {
  BRANCH_LEQ: 0,
  BRANCH_LT: 1,
  BRANCH_GTE: 2,
  BRANCH_GT: 3,
  BRANCH_EQ: 4,
  BRANCH_NEQ: 5,
  LEAF: leafMode,
};

const transforms: Readonly<Record<string, Transform>> = {
  NONE: 'none',
  LOGISTIC: 'logistic',
  SOFTMAX: 'softmax',
  SOFTMAX_ZERO: 'softmax-zero',
  PROBIT: 'probit',
};

const aggregates: Readonly<Record<string, Aggregate>> = {
  SUM: 'sum',
  AVERAGE: 'average',
  MIN: 'min',
  MAX: 'max',
};

/** The ensemble of one operator; `weights` is the prefix of its weight lists. */
export function readNodes(
  node: OnnxNode,
  weights: 'class' | 'target',
  targets: number,
): TreeEnsemble {
  if (Object.keys(node.attributes).some((name) => name.endsWith('_as_tensor'))) {
    throw notUnderstood(node, 'float64 trees are not attacked in float32');
  }
  const list = (name: string) => numbers(node, `nodes_${name}`);
  const treeIds = list('treeids');
  const count = treeIds.length;
  const nodeIds = sized(list('nodeids'), count, 'nodes_nodeids');
  const modes = texts(node, 'nodes_modes').map((text) => {
    const mode = modeNames[text];
    if (mode === undefined) throw notUnderstood(node, `mode "${text.slice(0, 40)}"`);
    return mode;
  });
  const places = new Map(treeIds.map((tree, i) => [`${tree} ${nodeIds[i]}`, i]));
  if (places.size !== count) throw invalidModel('two nodes of one tree have the same number');
  const child = (name: string) => {
    const ids = sized(list(name), count, `nodes_${name}`);
    return Int32Array.from(ids, (id, i) => {
      if (modes[i] === leafMode) return -1;
      const place = places.get(`${treeIds[i]} ${id}`);
      if (place === undefined) throw invalidModel(`tree ${treeIds[i]} has no node ${id}`);
      return place;
    });
  };
  const missing = list('missing_value_tracks_true');
  const post = textOr(node, 'post_transform', 'NONE');
  const transform = transforms[post];
  if (transform === undefined) throw notUnderstood(node, `post_transform "${post.slice(0, 40)}"`);
  const how = textOr(node, 'aggregate_function', 'SUM');
  const aggregate = aggregates[how];
  if (aggregate === undefined) throw notUnderstood(node, `aggregate_function "${how}"`);
  return {
    feature: Int32Array.from(sized(list('featureids'), count, 'nodes_featureids')),
    mode: Uint8Array.from(sized(modes, count, 'nodes_modes')),
    threshold: Float32Array.from(sized(list('values'), count, 'nodes_values')),
    sets: [],
    yes: child('truenodeids'),
    no: child('falsenodeids'),
    missingYes: Uint8Array.from({ length: count }, (_, i) => (missing[i] === 1 ? 1 : 0)),
    roots: rootsOf(node, treeIds),
    ...readWeights(node, weights, targets, places, count),
    targets,
    base: Float32Array.from(numbers(node, 'base_values')),
    aggregate,
    transform,
  };
}

/** The first node of every tree; trees must stand one after the other. */
function rootsOf(node: OnnxNode, treeIds: readonly number[]): Int32Array {
  const seen = new Set<number>();
  const roots: number[] = [];
  treeIds.forEach((tree, i) => {
    if (i > 0 && treeIds[i - 1] === tree) return;
    if (seen.has(tree)) throw notUnderstood(node, `nodes of tree ${tree} do not stand together`);
    seen.add(tree);
    roots.push(i);
  });
  return Int32Array.from(roots);
}

function readWeights(
  node: OnnxNode,
  prefix: string,
  targets: number,
  places: ReadonlyMap<string, number>,
  count: number,
): Pick<TreeEnsemble, 'weightStart' | 'weightTarget' | 'weight'> {
  const trees = numbers(node, `${prefix}_treeids`);
  const list = (name: string) =>
    sized(numbers(node, `${prefix}_${name}`), trees.length, `${prefix}_${name}`);
  const nodes = list('nodeids');
  const ids = list('ids');
  const values = list('weights');
  const owner = trees.map((tree, k) => {
    const place = places.get(`${tree} ${nodes[k]}`);
    if (place === undefined) throw invalidModel(`tree ${tree} has no node ${nodes[k]}`);
    return place;
  });
  const outside = ids.find((id) => !(id >= 0 && id < targets));
  if (outside !== undefined) throw invalidModel(`"${prefix}_ids" has ${outside} of ${targets}`);
  const weightStart = new Int32Array(count + 1);
  for (const place of owner) weightStart[place + 1] = (weightStart[place + 1] ?? 0) + 1;
  for (let i = 0; i < count; i++) {
    weightStart[i + 1] = (weightStart[i + 1] ?? 0) + (weightStart[i] ?? 0);
  }
  const next = weightStart.slice();
  const weightTarget = new Int32Array(owner.length);
  const weight = new Float32Array(owner.length);
  owner.forEach((place, k) => {
    const at = next[place] ?? 0;
    next[place] = at + 1;
    weightTarget[at] = ids[k] ?? 0;
    weight[at] = values[k] ?? 0;
  });
  return { weightStart, weightTarget, weight };
}

function sized(list: readonly number[], count: number, name: string): readonly number[] {
  if (list.length === count) return list;
  throw invalidModel(`"${name}" expected ${count} values, got ${list.length}`);
}
