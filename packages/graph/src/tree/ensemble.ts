/**
 * Tree ensembles as plain numbers: every tree operator of ai.onnx.ml (TreeEnsembleClassifier and
 * TreeEnsembleRegressor of versions 1 to 3, TreeEnsemble of version 5) becomes one structure of
 * typed arrays, with the columns that feed it traced back to the model's own input.
 */
import type { Column } from './columns.ts';

/** Tests of inner nodes; the position is the number stored in `mode`. */
export const branchModes = ['<=', '<', '>=', '>', '==', '!=', 'in'] as const;

/** The mode of a leaf. */
export const leafMode = 255;

/** How the leaves' weights are joined. */
export type Aggregate = 'sum' | 'average' | 'min' | 'max';

/** What is done to the joined weights before they leave the operator. */
export type Transform = 'none' | 'logistic' | 'softmax' | 'softmax-zero' | 'probit';

/**
 * Nodes of all trees, one position a node. Going down: the test of `mode` between the feature and
 * the threshold in float32; where it holds (or the feature is not a number and `missingYes` is 1)
 * the walk goes on at `yes`, else at `no`.
 */
export interface TreeEnsemble {
  /** Position in `columns` of the model. */
  readonly feature: Int32Array;
  /** Position in `branchModes`, or `leafMode`. */
  readonly mode: Uint8Array;
  /** For `in` the position in `sets`. */
  readonly threshold: Float32Array;
  readonly sets: readonly Float32Array[];
  readonly yes: Int32Array;
  readonly no: Int32Array;
  readonly missingYes: Uint8Array;
  /** First node of every tree, in the order in which the runtime adds them up. */
  readonly roots: Int32Array;
  /** Weights of node i: positions `weightStart[i]` up to `weightStart[i + 1]`. */
  readonly weightStart: Int32Array;
  readonly weightTarget: Int32Array;
  readonly weight: Float32Array;
  readonly targets: number;
  /** Added to the joined weights: one number a target, or none at all. */
  readonly base: Float32Array;
  readonly aggregate: Aggregate;
  readonly transform: Transform;
}

/**
 * How a class follows from the joined weights: `threshold` compares the only weighted target with
 * a number (two classes), `greatest` takes the greatest target, `none` is a regressor.
 */
export type Decision =
  | { readonly kind: 'threshold'; readonly above: number; readonly target: number }
  | { readonly kind: 'greatest' }
  | { readonly kind: 'none' };

/** A model of trees. */
export interface TreeModel {
  /** The only input, float32 [N, width]; −1 where the file leaves the width open. */
  readonly input: { readonly name: string; readonly width: number };
  /** What feeds each feature of the ensemble. */
  readonly columns: readonly Column[];
  readonly ensemble: TreeEnsemble;
  readonly decision: Decision;
  /** The number that the model gives for each class; the positions where labels are texts. */
  readonly labels: Int32Array;
}

/** Number of nodes. */
export function nodeCount(ensemble: TreeEnsemble): number {
  return ensemble.mode.length;
}

/** True when the test of a node holds for a value of its feature. */
export function holds(ensemble: TreeEnsemble, node: number, value: number): boolean {
  if (Number.isNaN(value) && ensemble.missingYes[node] === 1) return true;
  const threshold = ensemble.threshold[node] ?? 0;
  switch (branchModes[ensemble.mode[node] ?? leafMode]) {
    case '<=':
      return value <= threshold;
    case '<':
      return value < threshold;
    case '>=':
      return value >= threshold;
    case '>':
      return value > threshold;
    case '==':
      return value === threshold;
    case '!=':
      return value !== threshold;
    case 'in':
      return ensemble.sets[threshold]?.includes(value) ?? false;
    default:
      return false;
  }
}
