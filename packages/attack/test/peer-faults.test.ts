/**
 * Faults that were met in other tools, each refuted here: a row, or a test, is named after the
 * fault and the tool that had it.
 */
import { manualClock, type Random, seeded } from '@merlon/core';
import { type Dataset, openSession, readOnnx, readTrees, writeOnnx } from '@merlon/graph';
import { describe, expect, it, vi } from 'vitest';
import type { Batch } from '../src/batch.ts';
import { boundaryAttack } from '../src/decision/boundary-attack.ts';
import { geoda } from '../src/decision/geoda.ts';
import { hopSkipJump } from '../src/decision/hop-skip-jump.ts';
import { signOpt } from '../src/decision/sign-opt.ts';
import { carliniWagner } from '../src/minimal/carlini-wagner.ts';
import { deepFool } from '../src/minimal/deep-fool.ts';
import { type Classifier, classifier, differentiable } from '../src/model/classifier.ts';
import { runAttacks } from '../src/run.ts';
import { zoo } from '../src/score/zoo.ts';
import { constraintsOf } from '../src/tabular/constraints.ts';
import type { Pool } from '../src/tabular/starts.ts';
import { distance, l2 } from '../src/threat.ts';
import { verifyTrees } from '../src/tree/exact/verify.ts';
import { compileForest } from '../src/tree/forest.ts';
import { leafTuple } from '../src/tree/leaf-tuple.ts';
import {
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from './models.ts';
import { projectFile } from './real.ts';
import { randomSample, treeSample } from './tree/models.ts';

const bounds = { min: 0, max: 1 };
const queriesMax = 600;

interface How {
  readonly random: Random;
  readonly pool: Pool;
}
type Run = (model: Classifier, batch: Batch, how: How) => Promise<Float32Array>;
const walk =
  (attack: typeof hopSkipJump): Run =>
  (model, batch, how) =>
    attack(model, batch, { ...how, budget: l2(0), bounds, queriesMax });

/** Every attack that asks for decisions, or for scores, and looks for a small change. */
const asking: Readonly<Record<string, Run>> = {
  HopSkipJump: walk(hopSkipJump),
  Boundary: walk(boundaryAttack),
  GeoDA: walk(geoda),
  SignOPT: walk(signOpt),
  ZOO: (model, batch, how) => zoo(model, batch, { ...how, bounds, queriesMax }),
};

/** A forest of the data folder, with rows that it gets right and those as a pool. */
async function openForest(file: string, count: number) {
  const sample = treeSample(file, count);
  const session = await openSession(writeOnnx(sample.onnx));
  const model = classifier(session, { inputShape: [sample.width] });
  const pool = { x: sample.x, rows: sample.labels.length };
  return { ...sample, session, model, pool };
}

/** Two one-hot groups of which a pair is fraud: nothing turns within any small step. */
const oneHot = {
  width: 6,
  scores: (row: Float32Array) => ((row[0] ?? 0) > 0.999 && (row[4] ?? 0) > 0.999 ? [0, 1] : [1, 0]),
  batch: {
    x: Float32Array.of(0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1),
    labels: Int32Array.of(0, 0),
  },
  pool: { x: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0), rows: 2 },
};

function oneHotModel(): Classifier {
  return classifier({
    inputs: [{ name: 'x', type: 'float32', shape: [-1, oneHot.width] }],
    outputs: [{ name: 'scores', type: 'float32', shape: [-1, 2] }],
    run: async (feeds) => {
      const x = feeds.x?.data as Float32Array;
      const rows = x.length / oneHot.width;
      const data = new Float32Array(rows * 2);
      for (let row = 0; row < rows; row++) {
        data.set(oneHot.scores(x.subarray(row * oneHot.width, (row + 1) * oneHot.width)), row * 2);
      }
      return { scores: { type: 'float32', shape: [rows, 2], data } };
    },
    close: async () => undefined,
  });
}

describe.each(Object.entries(asking))('%s', (name, run) => {
  it('never returns (ART, HopSkipJump on one-hot): ends within its queries', async () => {
    const model = oneHotModel();
    const found = await run(model, oneHot.batch, { random: seeded(1), pool: oneHot.pool });
    expect(model.queries).toBeLessThanOrEqual(2 * queriesMax + oneHot.pool.rows);
    expect(await model.predict(found)).toEqual(Int32Array.of(1, 1));
  });

  it('takes no seed (ART, HopSkipJump, Boundary): repeats from one', async () => {
    const global = vi.spyOn(Math, 'random');
    const model = randomLinear(8, 3, seeded(2));
    const x = uniformRows(6, 8, 3);
    const batch = { x, labels: linearLabels(model, x) };
    const pool = { x: uniformRows(40, 8, 4), rows: 40 };
    const once = (seed: number) =>
      run(classifier(linearSession(model)), batch, { random: seeded(seed), pool });
    const first = await once(7);
    expect(await once(7)).toEqual(first);
    // ZOO moves every element of so few: there is nothing left to draw.
    if (name !== 'ZOO') expect(await once(8)).not.toEqual(first);
    expect(global).not.toHaveBeenCalled();
    global.mockRestore();
  });

  it('starts only from noise (ART, a third of a forest; ZOO): turns every row', async () => {
    const { model, pool, x, labels, width, session } = await openForest(
      'rf-binary.breast.onnx',
      40,
    );
    const batch = { x: x.slice(0, 12 * width), labels: labels.slice(0, 12) };
    const found = await run(model, batch, { random: seeded(1), pool });
    expect(model.queries).toBeLessThanOrEqual(12 * queriesMax + pool.rows);
    const answers = await model.predict(found);
    expect([...answers].filter((answer, row) => answer === batch.labels[row])).toEqual([]);
    await session.close();
  });

  it('returns a worse point than it has seen, or no number (ART 923, 307)', async () => {
    const model = randomLinear(8, 2, seeded(5));
    const x = uniformRows(1, 8, 6);
    const labels = linearLabels(model, x);
    const plain = linearSession(model);
    let nearest = Number.POSITIVE_INFINITY;
    const watched = classifier({
      ...plain,
      run: (feeds, fetches) => {
        const asked = feeds.x?.data as Float32Array;
        linearLabels(model, asked).forEach((label, at) => {
          const away = distance('l2', asked.subarray(at * 8, at * 8 + 8), x);
          if (label !== labels[0]) nearest = Math.min(nearest, away);
        });
        return plain.run(feeds, fetches);
      },
    });
    const pool = { x: uniformRows(40, 8, 7), rows: 40 };
    const found = await run(watched, { x, labels }, { random: seeded(1), pool });
    expect(found.every(Number.isFinite)).toBe(true);
    // Slopes of scores are asked around a point, not looked for there.
    const seen = name === 'ZOO' ? 1.05 * nearest : nearest;
    expect(distance('l2', found, x)).toBeLessThanOrEqual(seen);
  });
});

describe('trees', () => {
  it('steps 1e-10 over a threshold (LT-Attack): float32 rows turn in the runtime', async () => {
    const { model, trees, x, labels, width, session } = await openForest(
      'xgb-binary.breast.onnx',
      24,
    );
    const found = leafTuple(compileForest(trees, width), { x, labels }, { random: seeded(1) });
    const answers = await model.predict(found);
    expect([...answers].filter((answer, row) => answer === labels[row])).toEqual([]);
    await session.close();
  });

  it('flips whole numbers at one rounding (thresholds on data values): whole steps only', () => {
    const { trees, x, labels } = treeSample('pipe-mixed.loans.onnx', 12);
    const whole = [25, 1, 0, 1, 0, 0];
    const features = whole.map((step, i) => ({
      name: `f${i}`,
      type: step === 1 ? ('integer' as const) : ('real' as const),
      min: 0,
      max: [40000, 1, 1e6, 2, 150, 200][i] ?? 1,
      mutable: true,
      ...(step > 0 && { step }),
    }));
    const constraints = constraintsOf({ features, relations: [] });
    const options = { random: seeded(1), constraints, measure: 'l2' as const };
    const found = leafTuple(compileForest(trees, 6), { x, labels }, options);
    let moved = 0;
    found.forEach((value, at) => {
      const step = whole[at % 6] ?? 0;
      if (value === x[at] || step === 0) return;
      moved++;
      expect(Number.isInteger(value / step)).toBe(true);
    });
    expect(moved).toBeGreaterThan(0);
  });

  it('is not minimal on one tree (ART, DecisionTreeAttack): the proved least change', () => {
    let proved = 0;
    for (let seed = 0; seed < 20; seed++) {
      const sample = randomSample(seeded(seed), { trees: 1, depth: 5, features: 4 }, 6);
      const forest = compileForest(sample.trees, 4);
      const found = leafTuple(forest, sample, { random: seeded(1) });
      verifyTrees(forest, sample, { measure: 'l2' }).forEach(({ exact, upper }, row) => {
        if (!exact || upper === Number.POSITIVE_INFINITY) return;
        const own = sample.x.subarray(row * 4, row * 4 + 4);
        expect(distance('l2', found.subarray(row * 4, row * 4 + 4), own)).toBeCloseTo(upper, 6);
        proved++;
      });
    }
    expect(proved).toBeGreaterThan(60);
  });

  it('ends without a result (ART, clique verification): a bound for every row, in time', () => {
    const { trees, x, labels, width } = treeSample('rf-binary.breast.onnx', 20);
    const forest = compileForest(trees, width);
    const boxesMax = 40;
    const proofs = verifyTrees(forest, { x, labels }, { measure: 'linf', boxesMax });
    expect(proofs).toHaveLength(20);
    for (const { lower, upper, boxes } of proofs) {
      expect(boxes).toBeLessThanOrEqual(boxesMax);
      expect(lower).toBeGreaterThan(0);
      expect(lower).toBeLessThanOrEqual(upper);
    }
  });
});

describe('attacks with gradients', () => {
  const model = randomLinear(16, 11, seeded(21));
  const x = uniformRows(8, 16, 22);
  const labels = linearLabels(model, x);
  const classes = Array.from({ length: 11 }, (_, k) => `c${k}`);
  const data: Dataset = { x, shape: [8, 16], labels, classes };
  const clock = manualClock();
  const target = { session: linearSession(model), gradient: linearGradient(model) };

  it('runs ten iterations and calls it AutoAttack (torchattacks): the original runs', async () => {
    const options = { suite: 'autoattack', epsilon: 1e-5, seed: 1, clock, samples: 1 } as const;
    const { verdict } = await runAttacks(target, data, options);
    expect(verdict.robustAccuracy).toBe(1);
    const queries = Object.fromEntries(verdict.attacks.map((own) => [own.name, own.queries]));
    // One row that stands: 100 steps; 100 for each of nine targets, twice; 5,000 squares.
    expect(queries['apgd-ce']).toBeGreaterThanOrEqual(100);
    expect(queries['apgd-t']).toBeGreaterThanOrEqual(900);
    expect(queries['fab-t']).toBeGreaterThanOrEqual(900);
    expect(queries.square).toBeGreaterThanOrEqual(4990);
  });

  it('counts unbroken rows as broken: the plain model has the last word', async () => {
    // The gradients are of another model, which every row soon fools.
    const other = randomLinear(16, 11, seeded(99));
    const wrong = { session: target.session, gradient: linearGradient(other) };
    const attacks = ['fgsm', 'pgd', 'apgd-ce'];
    const options = { attacks, epsilon: 0.3, seed: 1, clock, examplesMax: 8 };
    const { verdict, examples } = await runAttacks(wrong, data, options);
    for (const { name, successRate } of verdict.attacks) {
      const own = examples.filter(({ attack }) => attack === name);
      expect(own.length).toBe(Math.round((successRate ?? 0) * 8));
      for (const { adversarial, label, after } of own) {
        expect(linearLabels(model, adversarial)[0]).toBe(after);
        expect(after).not.toBe(label);
      }
    }
  });

  it('goes one image at a time (torchattacks, DeepFool): rows share the runs', async () => {
    const runsOf = async (rows: number) => {
      let runs = 0;
      const counting = differentiable(
        {
          ...target.session,
          run: (feeds, fetches) => {
            runs++;
            return target.session.run(feeds, fetches);
          },
        },
        target.gradient,
      );
      const batch = { x: x.slice(0, rows * 16), labels: labels.slice(0, rows) };
      await deepFool(counting, batch, { norm: 'l2', bounds: { min: -9, max: 9 } });
      return runs;
    };
    expect(await runsOf(8)).toBeLessThanOrEqual((await runsOf(1)) + 4);
  });

  it('knows one constant (torchattacks, CW): the weight is searched', async () => {
    const gradients = differentiable(target.session, target.gradient);
    const how = { bounds: { min: -3, max: 4 }, stepSize: 0.002, firstWeight: 1e-4 };
    const run = (searchSteps: number) =>
      carliniWagner(gradients, { x, labels }, { ...how, searchSteps });
    const broken = (found: Float32Array) =>
      linearLabels(model, found).filter((label, row) => label !== labels[row]).length;
    expect(broken(await run(1))).toBeLessThan(3);
    expect(broken(await run(7))).toBe(8);
  });
});

describe('tables', () => {
  it('break their own constraints (ART): one-hot groups, steps and relations hold', async () => {
    const { openLoans } = await import('./real.ts');
    const { session, schema, data } = await openLoans();
    const trees = readTrees(readOnnx(projectFile('models/loans.onnx')));
    const attacks = ['feature-search', 'moeva', 'leaf-tuple-table'];
    const more = { constraints: schema, pool: data, samples: 25, seed: 3, queriesMax: 300 };
    const target = { session, ...(trees && { trees }) };
    const options = { attacks, ...more, clock: manualClock(), examplesMax: 25 };
    const { examples } = await runAttacks(target, data, options);
    const constraints = constraintsOf(schema);
    expect(new Set(examples.map(({ attack }) => attack)).size).toBe(3);
    for (const { adversarial, clean } of examples) {
      expect(constraints.violations(adversarial, clean)).toEqual([]);
    }
    await session.close();
  });
});
