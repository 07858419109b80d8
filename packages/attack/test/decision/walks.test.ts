/** Attacks by decisions where ART finds a third of the rows or never returns: forests, one-hot. */
import { seeded } from '@merlon/core';
import { openSession, writeOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { boundaryAttack } from '../../src/decision/boundary-attack.ts';
import { geoda } from '../../src/decision/geoda.ts';
import { hopSkipJump } from '../../src/decision/hop-skip-jump.ts';
import { trainNetwork } from '../../src/decision/network.ts';
import { signOpt } from '../../src/decision/sign-opt.ts';
import { surrogateTransfer } from '../../src/decision/surrogate.ts';
import { fgsm } from '../../src/gradient/fgsm.ts';
import { classifier, differentiable } from '../../src/model/classifier.ts';
import { distance, l2, linf, targeted } from '../../src/threat.ts';
import {
  labelSession,
  linearGradient,
  linearLabels,
  linearScores,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';
import { treeSample } from '../tree/models.ts';

const walks = { boundaryAttack, geoda, hopSkipJump, signOpt };
const names = Object.keys(walks) as (keyof typeof walks)[];
const bounds = { min: 0, max: 1 };

describe.each(names)('%s', (name) => {
  const attack = walks[name];

  it('succeeds on every row of a forest, within its budget', async () => {
    const sample = treeSample('rf-binary.breast.onnx');
    const session = await openSession(writeOnnx(sample.onnx));
    const model = classifier(session, { inputShape: [30] });
    const rows = 10;
    const batch = { x: sample.x.slice(0, rows * 30), labels: sample.labels.slice(0, rows) };
    const pool = { x: sample.x, rows: sample.labels.length };
    const options = { budget: l2(0), bounds, random: seeded(1), pool, queriesMax: 300 };
    const found = await attack(model, batch, options);
    expect(model.queries).toBeLessThanOrEqual(rows * 300 + pool.rows);
    const answers = await model.predict(found);
    expect([...answers].filter((answer, row) => answer === batch.labels[row])).toEqual([]);
    await session.close();
  });

  it('ends on one-hot columns, where no small step turns anything', async () => {
    const decide = (row: Float32Array) => ((row[0] ?? 0) > 0.999 && (row[3] ?? 0) < 0.001 ? 1 : 0);
    const model = classifier(labelSession(6, decide));
    const batch = { x: Float32Array.of(0, 1, 0, 1, 0, 0), labels: Int32Array.of(0) };
    const pool = { x: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0), rows: 2 };
    const options = { budget: l2(0), bounds, random: seeded(1), pool };
    const found = await attack(model, batch, options);
    expect(decide(found)).toBe(1);
    expect(model.queries).toBeLessThanOrEqual(1002);
  });

  it('comes near the least distance of a linear model, and repeats from its seed', async () => {
    const linear = randomLinear(8, 2, seeded(4));
    const x = uniformRows(8, 8, 5);
    const labels = linearLabels(linear, x);
    const pool = { x: uniformRows(60, 8, 6), rows: 60 };
    const run = (seed: number) =>
      attack(
        classifier(linearSession(linear)),
        { x, labels },
        {
          budget: l2(0),
          bounds: { min: -9, max: 9 },
          random: seeded(seed),
          pool,
        },
      );
    const found = await run(1);
    expect(await run(1)).toEqual(found);
    const { weights, bias } = linear;
    const slope = Array.from(
      { length: 8 },
      (_, i) => (weights[2 * i] ?? 0) - (weights[2 * i + 1] ?? 0),
    );
    const length = Math.hypot(...slope);
    let ratio = 0;
    labels.forEach((label, row) => {
      const own = x.subarray(row * 8, row * 8 + 8);
      const margin = slope.reduce(
        (sum, k, i) => sum + k * (own[i] ?? 0),
        (bias[0] ?? 0) - (bias[1] ?? 0),
      );
      const moved = found.subarray(row * 8, row * 8 + 8);
      expect(linearLabels(linear, moved)[0]).not.toBe(label);
      ratio += distance('l2', moved, own) / (Math.abs(margin) / length) / 8;
    });
    expect(ratio).toBeGreaterThanOrEqual(1);
    expect(ratio).toBeLessThan(1.6);
  });

  it('gives the row back where there is no other class', async () => {
    const model = classifier(labelSession(3, () => 0));
    const batch = { x: Float32Array.of(0.1, 0.2, 0.3), labels: Int32Array.of(0) };
    const options = { budget: l2(0), bounds, random: seeded(1), pool: { x: batch.x, rows: 1 } };
    expect(await attack(model, batch, options)).toEqual(batch.x);
  });
});

describe('surrogateTransfer', () => {
  const linear = randomLinear(10, 3, seeded(7));
  const x = uniformRows(30, 10, 8);
  const labels = linearLabels(linear, x);
  const pool = { x: uniformRows(200, 10, 9), rows: 200 };
  const run = (seed: number, targets?: Int32Array, epsilon = 0.25) => {
    const model = classifier(linearSession(linear));
    const options = { budget: linf(epsilon), bounds, random: seeded(seed), pool, queriesMax: 600 };
    const criterion = targets && targeted(targets);
    const found = surrogateTransfer(
      model,
      { x, labels },
      { ...options, ...(criterion && { criterion }) },
    );
    return found.then((rows) => ({ rows, queries: model.queries }));
  };

  it('breaks most rows inside the ball, within its budget, and repeats', async () => {
    const { rows, queries } = await run(1);
    expect((await run(1)).rows).toEqual(rows);
    expect(queries).toBeLessThanOrEqual(600);
    expect(distance('linf', rows, x)).toBeLessThanOrEqual(0.25);
    const broken = linearLabels(linear, rows).filter((label, row) => label !== labels[row]);
    const white = await fgsm(
      differentiable(linearSession(linear), linearGradient(linear)),
      { x, labels },
      { budget: linf(0.25), bounds },
    );
    const most = linearLabels(linear, white).filter((label, row) => label !== labels[row]);
    expect(broken.length).toBeGreaterThanOrEqual(0.8 * most.length);
  });

  it('reaches a class that is asked for', async () => {
    // The class that white-box steps reach for most rows is the runner-up.
    const scores = linearScores(linear, x);
    const targets = labels.map((label, row) => {
      const own = [...scores.subarray(row * 3, row * 3 + 3)];
      const rest = own.map((score, k) => (k === label ? Number.NEGATIVE_INFINITY : score));
      return rest.indexOf(Math.max(...rest));
    });
    const aimed = linearLabels(linear, (await run(1, targets, 0.7)).rows);
    expect(aimed.filter((label, row) => label === targets[row]).length).toBeGreaterThan(10);
  });

  it('learns from a network whose gradient is that of finite differences', () => {
    const network = trainNetwork(
      { x: pool.x, labels: linearLabels(linear, pool.x) },
      10,
      seeded(1),
    );
    const right = labels.filter((label, row) => {
      return network.predict(x.subarray(row * 10, row * 10 + 10)) === label;
    });
    expect(right.length).toBeGreaterThan(24);
    const row = x.slice(0, 10);
    const slope = network.gradient(row, labels[0] ?? 0);
    const along = slope.map((value, i) => (row[i] ?? 0) + value * 1e-2);
    const back = network.gradient(along, labels[0] ?? 0);
    const cosine = slope.reduce((sum, value, i) => sum + value * (back[i] ?? 0), 0);
    expect(cosine).toBeGreaterThan(0);
  });
});
