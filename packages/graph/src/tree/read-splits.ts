/**
 * TreeEnsemble (ai.onnx.ml 5): inner nodes and leaves stand in lists of their own, categories are
 * tested by membership in a set. Every reference to a leaf becomes a leaf of its own here.
 */
import { invalidModel } from '../error.ts';
import type { OnnxNode } from '../onnx/model.ts';
import { floatTensorOf, notUnderstood, number, numbers, tensorOf } from './attributes.ts';
import { type Aggregate, leafMode, type Transform, type TreeEnsemble } from './ensemble.ts';

const transforms: readonly Transform[] = ['none', 'softmax', 'logistic', 'softmax-zero', 'probit'];
const aggregates: readonly Aggregate[] = ['average', 'sum', 'min', 'max'];
const memberMode = 6;

/** The ensemble of one operator. */
export function readSplits(node: OnnxNode): TreeEnsemble {
  const targets = number(node, 'n_targets') ?? 1;
  const modes = tensorOf(node, 'nodes_modes')?.data ?? new Uint8Array(0);
  const splits = floatTensorOf(node, 'nodes_splits');
  const inner = modes.length;
  if (modes.some((mode) => mode > memberMode)) throw notUnderstood(node, 'a mode above 6');
  const list = (name: string, needed = true): readonly number[] => {
    const found = numbers(node, name);
    if (found.length === inner || (!needed && found.length === 0)) return found;
    throw invalidModel(`"${name}" expected ${inner} values, got ${found.length}`);
  };
  const leafTargets = numbers(node, 'leaf_targetids');
  const leafWeights = floatTensorOf(node, 'leaf_weights');
  const leaves: number[] = [];
  const child = (ids: readonly number[], flags: readonly number[]) =>
    Int32Array.from(ids, (id, i) => {
      if (flags[i] !== 1) {
        if (id >= 0 && id < inner) return id;
        throw invalidModel(`no node ${id} of ${inner}`);
      }
      if (!(id >= 0 && id < leafTargets.length)) {
        throw invalidModel(`no leaf ${id} of ${leafTargets.length}`);
      }
      leaves.push(id);
      return inner + leaves.length - 1;
    });
  const yes = child(list('nodes_truenodeids'), list('nodes_trueleafs'));
  const no = child(list('nodes_falsenodeids'), list('nodes_falseleafs'));
  const missing = list('nodes_missing_value_tracks_true', false);
  const outside = leafTargets.find((target) => !(target >= 0 && target < targets));
  if (outside !== undefined) throw invalidModel(`"leaf_targetids" has ${outside} of ${targets}`);
  const transform = transforms[number(node, 'post_transform') ?? 0];
  const aggregate = aggregates[number(node, 'aggregate_function') ?? 1];
  if (transform === undefined || aggregate === undefined) {
    throw notUnderstood(node, 'post_transform or aggregate_function out of range');
  }
  const { thresholds, sets } = memberships(node, modes, splits);
  const count = inner + leaves.length;
  const padded = <T extends Int32Array | Float32Array>(array: T, own: ArrayLike<number>): T => {
    array.set(own);
    return array;
  };
  return {
    feature: padded(new Int32Array(count), list('nodes_featureids')),
    mode: Uint8Array.from({ length: count }, (_, i) => modes[i] ?? leafMode),
    threshold: padded(new Float32Array(count), thresholds),
    sets,
    yes: padded(new Int32Array(count).fill(-1), yes),
    no: padded(new Int32Array(count).fill(-1), no),
    missingYes: Uint8Array.from({ length: count }, (_, i) => (missing[i] === 1 ? 1 : 0)),
    roots: Int32Array.from(numbers(node, 'tree_roots')),
    weightStart: Int32Array.from({ length: count + 1 }, (_, i) => Math.max(0, i - inner)),
    weightTarget: Int32Array.from(leaves, (leaf) => leafTargets[leaf] ?? 0),
    weight: Float32Array.from(leaves, (leaf) => leafWeights[leaf] ?? 0),
    targets,
    base: new Float32Array(0),
    aggregate,
    transform,
  };
}

/** Sets are listed one after the other, each ended by a value that is not a number. */
function memberships(node: OnnxNode, modes: Uint8Array, splits: Float32Array) {
  const members = floatTensorOf(node, 'membership_values');
  const sets: Float32Array[] = [];
  let from = 0;
  members.forEach((value, i) => {
    if (!Number.isNaN(value)) return;
    sets.push(members.slice(from, i));
    from = i + 1;
  });
  let next = 0;
  const thresholds = Float32Array.from(modes, (mode, i) => {
    return mode === memberMode ? next++ : (splits[i] ?? 0);
  });
  if (next !== sets.length) {
    throw invalidModel(`"membership_values" expected ${next} sets, got ${sets.length}`);
  }
  return { thresholds, sets };
}
