import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  classNames,
  elementTypes,
  evaluateTrees,
  floatTensor,
  type OnnxModel,
  openSession,
  readOnnx,
  readTrees,
  type TreeModel,
  withoutZipMap,
  writeOnnx,
} from '../../src/index.ts';
import {
  classOutputs,
  edgyRows,
  floats,
  int,
  ints,
  modelOf,
  node,
  randomLists,
  scoreOutput,
  strings,
  text,
  treeNode,
  type Wanted,
} from './build.ts';

const folder = join(import.meta.dirname, '../../../../vectors/tree');
const allModes = ['LEQ', 'LT', 'GTE', 'GT', 'EQ', 'NEQ'].map((mode) => `BRANCH_${mode}`);

function trees(model: OnnxModel): TreeModel {
  const found = readTrees(model);
  if (found === null) throw new Error('expected trees');
  return found;
}

async function runtimeAnswers(model: OnnxModel, x: Float32Array, width: number) {
  const session = await openSession(writeOnnx(model));
  const [input] = session.inputs;
  const feeds = {
    [input?.name ?? '']: {
      type: 'float32' as const,
      shape: [x.length / width, width],
      data: x,
    },
  };
  const answers = Object.values(await session.run(feeds));
  await session.close();
  const labels = answers.find(({ type }) => type === 'int64')?.data as BigInt64Array | undefined;
  const scores = answers.find(({ type }) => type === 'float32')?.data as Float32Array;
  return { labels: labels && Int32Array.from(labels, Number), scores };
}

interface Rows {
  readonly [data: string]: { readonly width: number; readonly x: number[] };
}
const rows = JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as Rows;

/** Rows of the data, moved onto thresholds of the model and their float32 neighbours. */
function probing(model: TreeModel, data: string): { x: Float32Array; width: number } {
  const { width, x: clean } = rows[data] ?? { width: 1, x: [] };
  const random = seeded(5);
  const { ensemble, columns } = model;
  const out: Float32Array[] = [Float32Array.from(clean)];
  const inner = [...ensemble.mode.keys()].filter((at) => ensemble.mode[at] !== 255);
  const bits = new DataView(new ArrayBuffer(4));
  for (let k = 0; k < 12; k++) {
    const x = Float32Array.from(clean);
    for (let change = 0; change < clean.length / 2; change++) {
      const at = inner[random.integer(inner.length)] ?? 0;
      const column = columns[ensemble.feature[at] ?? 0];
      if (column === undefined || column.steps.length > 0) continue;
      bits.setFloat32(0, ensemble.threshold[at] ?? 0);
      bits.setInt32(0, bits.getInt32(0) + random.integer(3) - 1);
      x[random.integer(clean.length / width) * width + column.input] = bits.getFloat32(0);
    }
    out.push(x);
  }
  return { x: Float32Array.from(out.flatMap((part) => [...part])), width };
}

describe('models of XGBoost, LightGBM and scikit-learn', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.onnx'));
  it('are all here', () => expect(files).toHaveLength(16));

  it.each(files)('%s is read as ONNX Runtime runs it', async (file) => {
    const model = withoutZipMap(readOnnx(readFileSync(join(folder, file))));
    const found = trees(model);
    const { x, width } = probing(found, file.split('.')[1] ?? '');
    const ours = evaluateTrees(found, x, width);
    const theirs = await runtimeAnswers(model, x, width);
    if (theirs.labels !== undefined) expect(ours.labels).toEqual(theirs.labels);
    const { transform, targets } = found.ensemble;
    if (transform === 'none' && (targets !== 2 || theirs.labels === undefined)) {
      expect(ours.sums).toEqual(theirs.scores);
    } else if (transform === 'logistic') {
      ours.sums.forEach((sum, i) => {
        if (i % 2 === 1) return;
        expect(theirs.scores[i + 1]).toBeCloseTo(1 / (1 + Math.exp(-sum)), 5);
      });
    }
  });
});

describe('random ensembles', () => {
  const base: Wanted = {
    trees: 7,
    depth: 4,
    features: 5,
    targets: 2,
    modes: allModes,
    missing: true,
    only: 0,
  };
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);
  const cases: [string, Wanted, Record<string, ReturnType<typeof int>>][] = [
    ['two classes', base, {}],
    ['two classes, base', base, { base_values: floats([0.3]) }],
    ['two classes, weights on the second', { ...base, only: 1 }, {}],
    ['two classes, second, base', { ...base, only: 1 }, { base_values: floats([0.3]) }],
    ['two classes, positive', { ...base, positive: true }, {}],
    ['logistic', base, { post_transform: text('LOGISTIC') }],
    ['one mode', { ...base, modes: ['BRANCH_LT'] }, {}],
    ['no missing', { ...base, missing: false }, {}],
  ];
  it.each(cases)('of %s give the labels of the runtime', async (_, wanted, more) => {
    for (const seed of seeds) {
      const random = seeded(seed);
      const own = treeNode('TreeEnsembleClassifier', randomLists(wanted, random), {
        ...more,
        classlabels_int64s: ints([3, 8]),
      });
      const model = modelOf([own], wanted.features, classOutputs(2));
      const x = edgyRows(60, wanted.features, random, wanted.missing);
      const theirs = await runtimeAnswers(model, x, wanted.features);
      expect(evaluateTrees(trees(model), x, wanted.features).labels).toEqual(theirs.labels);
    }
  });

  it.each([
    [3, []],
    [3, [0.5, -0.25, 0.1]],
    [4, [0.5, 0.2, 0.1, 0]],
  ])(
    'of %i classes and base values %j give labels and scores of the runtime',
    async (targets, own) => {
      for (const seed of seeds) {
        const random = seeded(seed + 50);
        const { only: _, ...wanted } = { ...base, targets };
        const operator = treeNode('TreeEnsembleClassifier', randomLists(wanted, random), {
          classlabels_int64s: ints(Array.from({ length: targets }, (_, i) => 10 + i)),
          ...(own.length > 0 && { base_values: floats(own) }),
        });
        const model = modelOf([operator], 5, classOutputs(targets));
        const x = edgyRows(60, 5, random, true);
        const theirs = await runtimeAnswers(model, x, 5);
        const ours = evaluateTrees(trees(model), x, 5);
        expect(ours.labels).toEqual(theirs.labels);
        expect(ours.sums).toEqual(theirs.scores);
      }
    },
  );

  it.each(['SUM', 'AVERAGE', 'MIN', 'MAX'])('joined by %s give its values', async (how) => {
    for (const targets of [1, 3]) {
      const random = seeded(targets);
      const { only: _, ...wanted } = { ...base, targets };
      const operator = treeNode('TreeEnsembleRegressor', randomLists(wanted, random), {
        n_targets: int(targets),
        aggregate_function: text(how),
        base_values: floats(targets === 1 ? [0.75] : [0.1, 0.2, 0.3]),
      });
      const model = modelOf([operator], 5, [scoreOutput(targets)]);
      const x = edgyRows(60, 5, random, true);
      const theirs = await runtimeAnswers(model, x, 5);
      expect(evaluateTrees(trees(model), x, 5).sums).toEqual(theirs.scores);
    }
  });
});

describe('TreeEnsemble of version 5', () => {
  const tensor = (elementType: number, data: Uint8Array, length: number) => ({
    kind: 'tensor' as const,
    value: { name: '', elementType, shape: [length], data, rest: new Uint8Array(0) },
  });
  const numbers = (values: readonly number[]) => ({
    kind: 'tensor' as const,
    value: floatTensor('', [values.length], values),
  });
  const version5 = (more: Record<string, ReturnType<typeof int>> = {}) => ({
    ...node('TreeEnsemble', ['x'], ['scores'], {
      n_targets: int(2),
      aggregate_function: int(1),
      post_transform: int(0),
      tree_roots: ints([0, 2]),
      nodes_modes: tensor(elementTypes.uint8, Uint8Array.of(0, 4, 6), 3),
      nodes_featureids: ints([0, 1, 0]),
      nodes_splits: numbers([0.5, 2, 0]),
      membership_values: numbers([1, 3, 7, Number.NaN]),
      nodes_truenodeids: ints([1, 0, 2]),
      nodes_trueleafs: ints([0, 1, 1]),
      nodes_falsenodeids: ints([1, 2, 0]),
      nodes_falseleafs: ints([1, 1, 1]),
      leaf_targetids: ints([0, 1, 0]),
      leaf_weights: numbers([1.5, -2, 0.25]),
      ...more,
    }),
    domain: 'ai.onnx.ml',
  });

  it('is read with sets of categories', async () => {
    const model = modelOf([version5()], 2, [scoreOutput(2)], [], 5);
    const x = Float32Array.of(0.5, 2, 1, 2, 3, 0, 7, 2, 0.4, 1, 2, 2, 0.50001, 2, -1, 2);
    const theirs = await runtimeAnswers(model, x, 2);
    expect(evaluateTrees(trees(model), x, 2).sums).toEqual(theirs.scores);
  });

  it.each([
    [{ nodes_truenodeids: ints([1, 0, 9]) }, /no leaf 9 of 3/],
    [{ nodes_falsenodeids: ints([1, 2]) }, /"nodes_falsenodeids" expected 3 values, got 2/],
    [{ membership_values: numbers([1]) }, /expected 1 sets, got 0/],
    [{ tree_roots: ints([0, 0]) }, /reached twice/],
    [{ leaf_targetids: ints([0, 5, 0]) }, /"leaf_targetids" has 5 of 2/],
    [{ nodes_featureids: ints([0, 7, 0]) }, /feature 7 of 2 in the trees/],
  ])('refuses unsound lists %#', (more, message) => {
    const model = modelOf([version5(more)], 2, [scoreOutput(2)], [], 5);
    expect(() => readTrees(model)).toThrow(message);
  });
});

describe('columns before the trees', () => {
  const wanted: Wanted = {
    trees: 5,
    depth: 4,
    features: 4,
    targets: 2,
    modes: ['BRANCH_LEQ'],
    missing: false,
    only: 0,
  };
  const ml = (own: ReturnType<typeof node>) => ({ ...own, domain: 'ai.onnx.ml' });
  const four = (values: number[]) => floatTensor('c', [4], values);
  const { float32, int64 } = elementTypes;
  it.each<[string, ReturnType<typeof node>[], ReturnType<typeof four>[]]>([
    [
      'Scaler',
      [
        ml(
          node('Scaler', ['x'], ['f'], {
            offset: floats([0.1, -3, 0.3, 1e-3]),
            scale: floats([1.7, -0.3, 0.1, 3]),
          }),
        ),
      ],
      [],
    ],
    [
      'Imputer',
      [
        ml(
          node('Imputer', ['x'], ['f'], {
            imputed_value_floats: floats([0.1, 0.2, 0.3, 0.4]),
            replaced_value_float: { kind: 'float', value: Number.NaN },
          }),
        ),
      ],
      [],
    ],
    [
      'Binarizer',
      [ml(node('Binarizer', ['x'], ['f'], { threshold: { kind: 'float', value: 0.25 } }))],
      [],
    ],
    [
      'Cast',
      [
        node('Cast', ['x'], ['i'], { to: int(int64) }),
        node('Cast', ['i'], ['f'], { to: int(float32) }),
      ],
      [],
    ],
    ['Mul', [node('Mul', ['x', 'c'], ['f'])], [four([0.1, -2, 3.3, 1 / 3])]],
    ['Div', [node('Div', ['x', 'c'], ['f'])], [four([0.1, -2, 3.3, 1 / 3])]],
    ['Add', [node('Add', ['c', 'x'], ['f'])], [four([0.1, -2, 3.3, 1 / 3])]],
    ['Sub', [node('Sub', ['x', 'c'], ['f'])], [four([0.1, -2, 3.3, 1 / 3])]],
    [
      'LabelEncoder',
      [
        ml(
          node('LabelEncoder', ['x'], ['f'], {
            keys_floats: floats([-1, 0.25, 1]),
            values_floats: floats([0.5, 1, -1]),
            default_float: { kind: 'float', value: 0.25 },
          }),
        ),
      ],
      [],
    ],
  ])('%s is followed bit for bit', async (_, before, constants) => {
    for (let seed = 0; seed < 6; seed++) {
      const random = seeded(seed);
      const missing = before[0]?.operator === 'Imputer';
      const last = treeNode('TreeEnsembleClassifier', randomLists(wanted, random), {
        classlabels_int64s: ints([0, 1]),
      });
      const nodes = [...before, { ...last, inputs: ['f'] }];
      const model = modelOf(nodes, 4, classOutputs(2), constants);
      const x = edgyRows(60, 4, random, missing);
      const theirs = await runtimeAnswers(model, x, 4);
      expect(evaluateTrees(trees(model), x, 4).labels).toEqual(theirs.labels);
    }
  });

  const last = (input: string) => ({
    ...treeNode('TreeEnsembleClassifier', randomLists(wanted, seeded(1)), {
      classlabels_int64s: ints([0, 1]),
    }),
    inputs: [input],
  });
  it.each([
    [
      'Normalizer',
      [ml(node('Normalizer', ['x'], ['f'])), last('f')],
      /"Normalizer" \(node "f"\) cannot be read: it joins columns/,
    ],
    ['Relu', [node('Relu', ['x'], ['f']), last('f')], /"Relu" .* stands before the trees/],
    [
      'Sigmoid',
      [last('x'), node('Sigmoid', ['scores'], ['s'])],
      /"Sigmoid" .* stands after the trees/,
    ],
    ['second', [last('x'), last('x')], /more than one ensemble/],
  ])('%s is refused by name', (_, nodes, message) => {
    expect(() => readTrees(modelOf(nodes, 4, classOutputs(2)))).toThrow(message);
    try {
      readTrees(modelOf(nodes, 4, classOutputs(2)));
    } catch (error) {
      expect(error).toMatchObject({ code: 'unsupported-operator' });
    }
  });

  it('has nothing to read where there are no trees, and names classes that are texts', () => {
    const model = modelOf([node('Relu', ['x'], ['scores'])], 4, [scoreOutput(4)]);
    expect(readTrees(model)).toBeNull();
    expect(withoutZipMap(model)).toBe(model);
    const named = last('x');
    const { classlabels_int64s: _, ...rest } = named.attributes;
    const own = {
      ...named,
      attributes: { ...rest, classlabels_strings: strings('classlabels_strings', ['good', 'bad']) },
    };
    expect(classNames(modelOf([own], 4, [scoreOutput(2)]))).toEqual(['good', 'bad']);
    expect([...trees(modelOf([own], 4, [scoreOutput(2)])).labels]).toEqual([0, 1]);
  });
});
