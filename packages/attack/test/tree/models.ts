/** The tree models of vectors/tree with rows of their data, and random small ones. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '@merlon/core';
import {
  evaluateTrees,
  type OnnxModel,
  readOnnx,
  readTrees,
  type TreeModel,
  withoutZipMap,
} from '@merlon/graph';
import {
  classOutputs,
  floats,
  ints,
  modelOf,
  randomLists,
  treeNode,
  type Wanted,
} from '../../../graph/test/tree/build.ts';

const folder = join(import.meta.dirname, '../../../../vectors/tree');

/** Names of the classifiers in vectors/tree. */
export const treeFiles = readdirSync(folder).filter(
  (name) => name.endsWith('.onnx') && !name.includes('regressor'),
);

/** A model with rows that it gets right (its own labels). */
export interface Sample {
  readonly onnx: OnnxModel;
  readonly trees: TreeModel;
  readonly width: number;
  readonly x: Float32Array;
  readonly labels: Int32Array;
}

const rows = JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as Readonly<
  Record<string, { readonly width: number; readonly x: readonly number[] }>
>;

/** One of the models with its rows, or the first few of them. */
export function treeSample(file: string, count = 24): Sample {
  const onnx = withoutZipMap(readOnnx(readFileSync(join(folder, file))));
  const { width, x: own } = rows[file.split('.')[1] ?? ''] ?? { width: 1, x: [] };
  return sampleOf(onnx, width, Float32Array.from(own.slice(0, count * width)));
}

/** A random model of few features and the modes asked for. */
export function randomSample(random: Random, more: Partial<Wanted> = {}, count = 12): Sample {
  const wanted: Wanted = {
    trees: 4,
    depth: 3,
    features: 3,
    targets: 2,
    modes: ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'],
    missing: false,
    ...(more.targets === undefined && { only: 0 }),
    ...more,
  };
  const own = treeNode('TreeEnsembleClassifier', randomLists(wanted, random), {
    classlabels_int64s: ints(Array.from({ length: wanted.targets }, (_, k) => k)),
    ...(wanted.targets === 2 && { base_values: floats([0.1]) }),
  });
  const onnx = modelOf([own], wanted.features, classOutputs(wanted.targets));
  const x = Float32Array.from({ length: count * wanted.features }, () => random.normal());
  return sampleOf(onnx, wanted.features, x);
}

function sampleOf(onnx: OnnxModel, width: number, x: Float32Array): Sample {
  const trees = readTrees(onnx);
  if (trees === null) throw new Error('expected trees');
  return { onnx, trees, width, x, labels: evaluateTrees(trees, x, width).labels };
}
