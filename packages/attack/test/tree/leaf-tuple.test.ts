import { seeded } from '@merlon/core';
import { evaluateTrees, type FeatureSchema, openSession, writeOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { classifier } from '../../src/model/classifier.ts';
import { constraintsOf } from '../../src/tabular/constraints.ts';
import { targeted } from '../../src/threat.ts';
import { verifyTrees } from '../../src/tree/exact/verify.ts';
import { compileForest, type Forest } from '../../src/tree/forest.ts';
import { goalOf } from '../../src/tree/goal.ts';
import { leafTuple } from '../../src/tree/leaf-tuple.ts';
import { measureOf } from '../../src/tree/measure.ts';
import { reachOf } from '../../src/tree/reach.ts';
import { randomSample, type Sample, treeFiles, treeSample } from './models.ts';

const measures = ['l2', 'linf', 'l1'] as const;

/** Every point of a small forest: the least cost of one that turns. */
function bruteForce(forest: Forest, sample: Sample, row: number, name: (typeof measures)[number]) {
  const original = sample.x.subarray(row * sample.width, (row + 1) * sample.width);
  const measure = measureOf(name);
  const reach = reachOf(forest, original, measure, {});
  if (reach === undefined) throw new Error('expected a reach');
  const goal = goalOf(forest, sample.labels[row] ?? 0);
  const cells = new Int32Array(forest.variables.length);
  let best = Number.POSITIVE_INFINITY;
  const visit = (v: number, cost: number) => {
    if (cost >= best) return;
    if (v === cells.length) {
      if (goal.answers(cells)) best = cost;
      return;
    }
    for (let cell = 0; cell < (forest.variables[v]?.count ?? 0); cell++) {
      cells[v] = cell;
      const own = reach.cost[(forest.offset[v] ?? 0) + cell] ?? 0;
      visit(v + 1, measure.greatest ? Math.max(cost, own) : cost + own);
    }
  };
  visit(0, 0);
  return measure.distance(best);
}

describe('verifyTrees', () => {
  it.each(measures)('proves what trying every point finds, in %s', (measure) => {
    for (let seed = 0; seed < 12; seed++) {
      const sample = randomSample(seeded(seed), seed % 2 === 0 ? {} : { targets: 3 }, 4);
      const forest = compileForest(sample.trees, 3);
      const proofs = verifyTrees(forest, sample, { measure, together: 1 + (seed % 3) });
      proofs.forEach((proof, row) => {
        expect(proof.exact).toBe(true);
        expect(proof.lower).toBeCloseTo(bruteForce(forest, sample, row, measure), 6);
        const { x } = proof;
        expect(proof.upper).toBe(x === undefined ? Number.POSITIVE_INFINITY : proof.lower);
        const label = x && evaluateTrees(sample.trees, x, 3).labels[0];
        expect(label).not.toBe(sample.labels[row]);
      });
    }
  });

  it('gives a lower bound when it may not go on, and stops where nothing matters', () => {
    const sample = treeSample('xgb-binary.breast.onnx', 6);
    const forest = compileForest(sample.trees, sample.width);
    const whole = verifyTrees(forest, sample, { measure: 'l2' });
    const cut = verifyTrees(forest, sample, { measure: 'l2', boxesMax: 5 });
    const near = verifyTrees(forest, sample, { measure: 'l2', within: 0.001 });
    whole.forEach(({ lower }, row) => {
      expect(cut[row]?.lower).toBeLessThanOrEqual(lower);
      expect(cut[row]?.boxes).toBeLessThanOrEqual(5);
      if (lower > 0.01) expect(near[row]).toMatchObject({ exact: false });
    });
    const narrow = { x: new Float32Array(4), labels: new Int32Array(1) };
    expect(() => verifyTrees(forest, narrow, { measure: 'l2' })).toThrow('expected 30 features');
  });
});

describe('verifyTrees under relations', () => {
  const features = fixed(3, () => ({ type: 'integer', min: -4, max: 4, step: 1 }));
  const relations = [{ kind: 'lessOrEqual', left: 'f0', right: 'f1' } as const];
  const constraints = constraintsOf({ features, relations });

  /** Every valid row of whole numbers: the least cost of one that turns. */
  function leastOf(sample: Sample, own: Float32Array, label: number, name: 'steps' | 'changed') {
    const measure = measureOf(name, constraints);
    const every = Array.from({ length: 9 ** 3 }, (_, k) => [k % 9, Math.floor(k / 9) % 9, k / 81]);
    const rows = every.map((row) => Float32Array.from(row, (value) => Math.floor(value) - 4));
    const x = Float32Array.from(rows.flatMap((row) => [...row]));
    const answers = evaluateTrees(sample.trees, x, 3).labels;
    const won = rows.filter((row, k) => answers[k] !== label && (row[0] ?? 0) <= (row[1] ?? 0));
    return Math.min(...won.map((row) => measure.of(row, own)), Number.POSITIVE_INFINITY);
  }

  it.each(['steps', 'changed'] as const)('bounds what trying every row finds, in %s', (name) => {
    let exact = 0;
    let broken = 0;
    let all = 0;
    for (let seed = 0; seed < 40; seed++) {
      const sample = randomSample(seeded(seed), { trees: 6 }, 4);
      const x = sample.x.map((value, at) => {
        const low = Math.max(-4, Math.min(4, Math.round(2 * value)));
        return at % 3 === 0 ? Math.min(low, 0) : at % 3 === 1 ? Math.abs(low) : low;
      });
      const { labels } = evaluateTrees(sample.trees, x, 3);
      const forest = compileForest(sample.trees, 3);
      const proofs = verifyTrees(forest, { x, labels }, { measure: name, constraints });
      proofs.forEach((proof, row) => {
        const own = x.subarray(row * 3, row * 3 + 3);
        const least = leastOf(sample, own, labels[row] ?? 0, name);
        all++;
        expect(proof.lower).toBeLessThanOrEqual(least + 1e-6);
        expect(proof.upper).toBeGreaterThanOrEqual(least - 1e-6);
        if (!proof.exact) broken++;
        else {
          exact++;
          const same = proof.lower === least || Math.abs(proof.lower - least) < 1e-6;
          expect(same).toBe(true);
        }
        if (proof.x === undefined) return;
        expect(constraints.violations(proof.x, own)).toEqual([]);
        expect(evaluateTrees(sample.trees, proof.x, 3).labels[0]).not.toBe(labels[row]);
      });
    }
    expect(exact / all).toBeGreaterThan(0.75);
    expect(broken).toBeGreaterThan(0);
  });
});

describe('leafTuple', () => {
  it.each(treeFiles)(
    'turns every row of %s in the runtime, near the proved least',
    async (file) => {
      const sample = treeSample(file, 12);
      const { width, labels } = sample;
      const forest = compileForest(sample.trees, width);
      const session = await openSession(writeOnnx(sample.onnx));
      const model = classifier(session, { inputShape: [width] });
      for (const measure of measures) {
        const found = leafTuple(forest, sample, { random: seeded(1), measure });
        const answers = await model.predict(found);
        const proofs = verifyTrees(forest, sample, { measure, boxesMax: 150, together: 1 });
        let sum = 0;
        let proved = 0;
        labels.forEach((label, row) => {
          const { exact = false, lower = 0 } = proofs[row] ?? {};
          if (lower !== Number.POSITIVE_INFINITY) expect(answers[row]).not.toBe(label);
          const from = sample.x.subarray(row * width, (row + 1) * width);
          const to = found.subarray(row * width, (row + 1) * width);
          const own = measureOf(measure);
          const distance = own.distance(own.of(to, from));
          expect(distance).toBeGreaterThanOrEqual(
            lower * (1 - 1e-6) * Number(answers[row] !== label),
          );
          if (!exact || !(lower > 0) || lower === Number.POSITIVE_INFINITY) return;
          proved++;
          sum += distance / lower;
        });
        if (proved > 5) expect(sum / proved).toBeLessThan(1.1);
      }
      await session.close();
    },
  );

  it('repeats from its seed and reaches a class that is asked for', () => {
    const sample = treeSample('rf-multi.wine.onnx');
    const forest = compileForest(sample.trees, sample.width);
    const run = (seed: number) => leafTuple(forest, sample, { random: seeded(seed) });
    expect(run(4)).toEqual(run(4));
    const targets = sample.labels.map((label) => (label + 1) % 3);
    const found = leafTuple(forest, sample, { random: seeded(1), criterion: targeted(targets) });
    expect(evaluateTrees(sample.trees, found, sample.width).labels).toEqual(targets);
  });

  it('stays in bounds and gives rows back that are wrong already or cannot turn', () => {
    const sample = treeSample('gb-binary.breast.onnx');
    const forest = compileForest(sample.trees, 30);
    const bounds = { min: 0, max: 1 };
    const found = leafTuple(forest, sample, { random: seeded(1), bounds });
    for (const value of found) expect(value >= 0 && value <= 1).toBe(true);
    const wrong = { x: sample.x, labels: sample.labels.map((label) => 1 - label) };
    expect(leafTuple(forest, wrong, { random: seeded(1) })).toEqual(sample.x);
    const features = fixed(30, () => ({ mutable: false }));
    const constraints = constraintsOf({ features, relations: [] });
    expect(leafTuple(forest, sample, { random: seeded(1), constraints })).toEqual(sample.x);
    const narrow = { x: new Float32Array(4), labels: new Int32Array(1) };
    expect(() => leafTuple(forest, narrow, { random: seeded(1) })).toThrow('expected 30 features');
    const signal = AbortSignal.abort();
    expect(() => leafTuple(forest, sample, { random: seeded(1), signal })).toThrow('cancelled');
  });
});

function fixed(count: number, more: (i: number) => Partial<FeatureSchema>): FeatureSchema[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `f${i}`,
    type: 'real',
    min: -1,
    max: 2,
    mutable: true,
    ...more(i),
  }));
}

describe('leafTuple under constraints', () => {
  it('keeps every constraint of random schemas, and turns what it returns', () => {
    let turned = 0;
    for (let seed = 0; seed < 14; seed++) {
      const random = seeded(seed);
      const sample = randomSample(random, { features: 6, trees: 6 }, 8);
      const features = fixed(6, (i) => ({
        mutable: random.uniform() < 0.8,
        ...(i < 2 && { type: 'integer' as const, min: 0, max: 1, step: 1, mutable: seed % 4 > 0 }),
        ...(i === 2 && { step: 0.25 }),
        ...(i === 3 && { direction: seed % 2 ? ('increase' as const) : ('decrease' as const) }),
        ...(i > 3 && { min: -9, max: 9 }),
      }));
      const schema = {
        features,
        relations: [],
        groups: [['f0', 'f1']],
        linear: [
          {
            kind: 'atMost' as const,
            terms: [
              { feature: 'f4', factor: 1 },
              { feature: 'f5', factor: -2 },
            ],
            bound: 3,
            text: 'f4 - 2*f5 <= 3',
          },
        ],
      };
      const constraints = constraintsOf(schema);
      const x = sample.x.map((value, i) => {
        if (i % 6 > 1) return i % 6 === 2 ? Math.round(value) / 4 : Math.min(1, Math.abs(value));
        return i % 6 === Math.floor(i / 6) % 2 ? 1 : 0;
      });
      const { labels } = evaluateTrees(sample.trees, x, 6);
      const forest = compileForest(sample.trees, 6, constraints.groups);
      for (const measure of ['changed', 'ranges', 'steps', 'l2'] as const) {
        const found = leafTuple(forest, { x, labels }, { random: seeded(2), constraints, measure });
        const after = evaluateTrees(sample.trees, found, 6).labels;
        labels.forEach((label, row) => {
          const own = x.subarray(row * 6, row * 6 + 6);
          const changed = found.subarray(row * 6, row * 6 + 6);
          expect(constraints.violations(changed, own)).toEqual([]);
          const moved = changed.some((value, i) => value !== own[i]);
          expect(after[row] !== label).toBe(moved);
          turned += Number(moved);
        });
      }
    }
    expect(turned).toBeGreaterThan(100);
  });

  it('changes the fewest features, and whole steps', () => {
    const sample = treeSample('pipe-mixed.loans.onnx');
    const features = fixed(6, (i) => ({
      type: i === 2 || i === 4 ? 'real' : 'integer',
      min: 0,
      max: [40000, 1, 1e6, 2, 150, 200][i] ?? 1,
      step: i === 0 ? 25 : i === 4 ? 0.1 : 1,
      mutable: i !== 3,
    }));
    const constraints = constraintsOf({ features, relations: [] });
    const forest = compileForest(sample.trees, 6);
    const found = leafTuple(forest, sample, { random: seeded(3), constraints });
    const proofs = verifyTrees(forest, sample, { measure: 'changed', constraints });
    const after = evaluateTrees(sample.trees, found, 6).labels;
    sample.labels.forEach((label, row) => {
      const own = sample.x.subarray(row * 6, row * 6 + 6);
      const changed = found.subarray(row * 6, row * 6 + 6);
      expect(constraints.violations(changed, own)).toEqual([]);
      const { lower = 0 } = proofs[row] ?? {};
      if (lower === Number.POSITIVE_INFINITY) expect(after[row]).toBe(label);
      else expect(constraints.distance(changed, own).changed).toBe(Math.floor(lower));
    });
  });
});
