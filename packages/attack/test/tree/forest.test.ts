import { seeded } from '@merlon/core';
import { evaluateTrees, int, node } from '@merlon/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTrees } from '../../../graph/src/index.ts';
import {
  classOutputs,
  edgyRows,
  floats,
  ints,
  modelOf,
  randomLists,
  treeNode,
} from '../../../graph/test/tree/build.ts';
import { marginBound } from '../../src/tree/exact/clique.ts';
import { above, atOrder, below, lastWhere, orderOf } from '../../src/tree/float.ts';
import { cellsOfRow, compileForest, type Forest } from '../../src/tree/forest.ts';
import { type Goal, goalOf } from '../../src/tree/goal.ts';
import { pointAt } from '../../src/tree/point.ts';
import { profileOf } from '../../src/tree/profile.ts';
import { randomSample, treeFiles, treeSample } from './models.ts';

describe('float32 numbers in order', () => {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true });
  it('have one integer each, in the same order', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Object.is(atOrder(orderOf(a)), a)).toBe(true);
        if (a < b) expect(orderOf(a)).toBeLessThan(orderOf(b));
      }),
    );
  });

  it('have a neighbour on both sides, and nothing between', () => {
    expect(above(1)).toBe(1 + 2 ** -23);
    expect(below(1)).toBe(1 - 2 ** -24);
    expect(above(0)).toBe(2 ** -149);
    expect(below(0)).toBe(-(2 ** -149));
    expect(Object.is(above(below(0)), 0)).toBe(true);
    fc.assert(
      fc.property(number, (a) => {
        if (a < 3e38) expect(below(above(a)) === a).toBe(true);
      }),
    );
  });

  it('are bisected to the last one for which a test holds', () => {
    expect(lastWhere((x) => Math.fround(x * 3) <= 1)).toBe(Math.fround(1 / 3));
    expect(lastWhere(() => false)).toBe(Number.NEGATIVE_INFINITY);
    expect(lastWhere((x) => x < 0)).toBe(-(2 ** -149));
  });
});

/** A profile has, for every cell of every variable, the margin that walking there has. */
function expectProfile(forest: Forest, goal: Goal, cells: Int32Array): void {
  const profile = profileOf(forest, goal);
  const point = pointAt(forest, goal, cells);
  forest.variables.forEach(({ count }, v) => {
    const stretches = profile.fill(point, v, 0, count - 1);
    expect(profile.start[stretches]).toBe(count);
    for (let cell = 0; cell < count; cell++) {
      const there = cells.slice();
      there[v] = cell;
      const after = profile.start.subarray(0, stretches).findIndex((from) => from > cell);
      const margin = profile.margin[(after < 0 ? stretches : after) - 1];
      expect(margin).toBeCloseTo(goal.margin(pointAt(forest, goal, there).sums), 10);
    }
  });
}

describe('a compiled forest', () => {
  it.each(treeFiles)('decides as %s', (file) => {
    const { trees, width, x, labels } = treeSample(file);
    const forest = compileForest(trees, width);
    const random = seeded(3);
    const changed = x.map((value) => (random.uniform() < 0.3 ? random.uniform() : value));
    for (const rows of [x, changed]) {
      const truth = evaluateTrees(trees, rows, width).labels;
      truth.forEach((label, row) => {
        const cells = cellsOfRow(forest, rows.subarray(row * width, (row + 1) * width));
        expect(goalOf(forest, label).answers(cells)).toBe(false);
        const other = labels.find((each) => each !== label) ?? label + 1;
        if (other !== label) expect(goalOf(forest, other).answers(cells)).toBe(true);
      });
    }
  });

  it('decides as ensembles of every mode on thresholds and beside them', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = seeded(seed);
      const targets = seed % 3 === 0 ? 3 : 2;
      const sample = randomSample(random, { targets, ...(targets === 2 && { only: 0 }) });
      const forest = compileForest(sample.trees, 3);
      const x = edgyRows(40, 3, random, false);
      evaluateTrees(sample.trees, x, 3).labels.forEach((label, row) => {
        const cells = cellsOfRow(forest, x.subarray(row * 3, row * 3 + 3));
        for (let other = 0; other < targets; other++) {
          expect(goalOf(forest, other).answers(cells)).toBe(other !== label);
        }
      });
    }
  });

  const ml = (own: ReturnType<typeof node>) => ({ ...own, domain: 'ai.onnx.ml' });
  it.each([
    ['Scaler', { offset: floats([0.1, -3]), scale: floats([1.7, -0.3]) }],
    ['OneHotEncoder', { cats_int64s: ints([-1, 0, 1]), zeros: int(1) }],
    ['Binarizer', { threshold: { kind: 'float' as const, value: 0.25 } }],
    ['LabelEncoder', { keys_floats: floats([-1, 0.25, 1]), values_floats: floats([0.5, 1, -1]) }],
  ])('sees through %s', (operator, attributes) => {
    for (let seed = 0; seed < 10; seed++) {
      const random = seeded(seed);
      const wide = operator === 'OneHotEncoder' ? 6 : 2;
      const wanted = { trees: 5, depth: 4, features: wide, targets: 2, only: 0 };
      const lists = randomLists({ ...wanted, modes: ['BRANCH_LEQ'], missing: false }, random);
      const last = treeNode('TreeEnsembleClassifier', lists, { classlabels_int64s: ints([0, 1]) });
      const nodes = [ml(node(operator, ['x'], ['f'], attributes)), { ...last, inputs: ['f'] }];
      const trees = readTrees(modelOf(nodes, 2, classOutputs(2)));
      if (trees === null) throw new Error('expected trees');
      const forest = compileForest(trees, 2);
      const x = edgyRows(60, 2, random, false);
      evaluateTrees(trees, x, 2).labels.forEach((label, row) => {
        const cells = cellsOfRow(forest, x.subarray(row * 2, row * 2 + 2));
        expect(goalOf(forest, label).answers(cells)).toBe(false);
      });
    }
  });

  it.each(['xgb-multi.wine.onnx', 'rf-binary.breast.onnx'])(
    'profiles every cell of a variable as walking there does: %s',
    (file) => {
      const { trees, width, x, labels } = treeSample(file);
      const forest = compileForest(trees, width);
      const [label = 0] = labels;
      const other = labels.find((each) => each !== label) ?? 0;
      for (const goal of [goalOf(forest, label), goalOf(forest, label, other)]) {
        expectProfile(forest, goal, cellsOfRow(forest, x.subarray(0, width)));
      }
    },
  );

  it('reads one-hot groups as one variable, exactly and without more leaves', () => {
    for (let seed = 0; seed < 20; seed++) {
      const random = seeded(seed);
      const modes = ['BRANCH_LEQ', 'BRANCH_GT'];
      const { trees } = randomSample(random, { features: 8, trees: 6, depth: 6, modes });
      const forest = compileForest(trees, 8, [[0, 1, 2, 3, 4, 5]]);
      expect(forest.boxStart.length - 1).toBeLessThanOrEqual(
        compileForest(trees, 8).boxStart.length,
      );
      const x = Float32Array.from({ length: 8 * 30 }, () => random.normal());
      for (let row = 0; row < 30; row++) {
        const one = random.integer(6);
        for (let k = 0; k < 6; k++) x[row * 8 + k] = Number(k === one);
      }
      evaluateTrees(trees, x, 8).labels.forEach((label, row) => {
        const cells = cellsOfRow(forest, x.subarray(row * 8, row * 8 + 8));
        const goal = goalOf(forest, label);
        expect(goal.answers(cells)).toBe(false);
        expectProfile(forest, goal, cells);
      });
    }
  });

  it('is bounded in boxes: tighter with more trees together, never below a point', () => {
    const { trees, width, x, labels } = treeSample('xgb-tiny.breast.onnx');
    const forest = compileForest(trees, width);
    const cells = cellsOfRow(forest, x.subarray(0, width));
    const goal = goalOf(forest, labels[0] ?? 0);
    for (const reach of [0, 1, 3, 100]) {
      const low = cells.map((cell) => Math.max(0, cell - reach));
      const high = cells.map((cell, v) =>
        Math.min((forest.variables[v]?.count ?? 1) - 1, cell + reach),
      );
      const bounds = [1, 2, 3].map((n) => marginBound(forest, goal, n).most({ low, high }));
      const [one = 0, two = 0, three = 0] = bounds;
      expect(two).toBeLessThanOrEqual(one + 1e-9);
      expect(three).toBeLessThanOrEqual(one + 1e-9);
      const point = goal.margin(pointAt(forest, goal, cells).sums);
      expect(three).toBeGreaterThanOrEqual(point - 1e-9);
      if (reach === 0) expect(one).toBeCloseTo(point, 9);
    }
  });

  it('refuses what it cannot search', () => {
    const { trees } = treeSample('xgb-tiny.breast.onnx');
    const least = { ...trees, ensemble: { ...trees.ensemble, aggregate: 'min' as const } };
    expect(() => compileForest(least, 30)).toThrow('trees joined by min are not searched');
    const none = { ...trees, decision: { kind: 'none' as const } };
    expect(() => compileForest(none, 30)).toThrow('trees expected classes, got a regressor');
    expect(() => compileForest(trees, 5)).toThrow('trees expected rows wider than 5');
  });
});
