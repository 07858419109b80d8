/** Neural Cleanse on networks that were taught a trigger, and on those that were not. */
import { type OnnxModel, openSession, writeOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import {
  type BackdoorReport,
  type DifferentiableClassifier,
  differentiable,
  gradientsOfModel,
  neuralCleanse,
  picture,
  stamp,
} from '../../src/index.ts';
import { anomaliesOf } from '../../src/poison/backdoor.ts';
import { linearGradient, linearSession } from '../models.ts';
import { classes, pictures, poisoned, side, trainedModel, triggerPlaces } from './networks.ts';

const bounds = { min: 0, max: 1 };
const test = pictures(120, 90);

async function withModel<T>(
  onnx: OnnxModel,
  use: (model: DifferentiableClassifier) => Promise<T>,
): Promise<T> {
  const session = await openSession(writeOnnx(onnx));
  const gradients = await gradientsOfModel(onnx);
  try {
    return await use(differentiable(session, gradients));
  } finally {
    await Promise.all([session.close(), gradients.close()]);
  }
}

function search(model: DifferentiableClassifier, seed = 1): Promise<BackdoorReport> {
  return neuralCleanse(model, test, { bounds, seed, steps: 200 });
}

describe('a network with a backdoor', () => {
  it.each([
    [1, 2],
    [2, 4],
    [3, 0],
  ])('taught with seed %i is found by its class %i, and its trigger', async (seed, target) => {
    const onnx = trainedModel(poisoned(pictures(300, seed), target), seed);
    await withModel(onnx, async (model) => {
      const right = await model.predict(test.x);
      expect(right).toEqual(test.labels);
      const report = await search(model);
      expect(report.suspected).toEqual([target]);
      expect(report.classes.map(({ label }) => label)).toEqual([0, 1, 2, 3, 4, 5]);
      const found = report.classes[target]!;
      expect(found).toMatchObject({ label: target, reached: true, suspected: true });
      expect(found.anomaly).toBeGreaterThan(4);
      expect(found.length).toBeLessThan(4);
      // The mask lies where the trigger was, and is a picture.
      const on = triggerPlaces.reduce((sum, place) => sum + (found.mask[place] ?? 0), 0);
      expect(on / found.length).toBeGreaterThan(0.8);
      expect(report.maskShape).toEqual([side, side]);
      expect(report.patternShape).toEqual([1, side, side]);
      expect(picture(found.mask, report.maskShape).length).toBeGreaterThan(60);
      expect(picture(found.pattern, report.patternShape).length).toBeGreaterThan(60);
      expect(found.pattern.every((value) => value >= 0 && value <= 1)).toBe(true);
      // It turns rows that the search never saw.
      const fresh = pictures(60, 500);
      const turned = await model.predict(stamp(fresh.x, found));
      expect(turned.filter((label) => label === target).length).toBeGreaterThanOrEqual(57);
    });
  });
  it('is told alike twice, and with another seed', async () => {
    const onnx = trainedModel(poisoned(pictures(300, 1), 2), 1);
    await withModel(onnx, async (model) => {
      const steps: number[] = [];
      const options = { bounds, seed: 5, steps: 120, targets: [1, 2, 3] };
      const one = await neuralCleanse(model, test, {
        ...options,
        onStep: (done, total) => steps.push(done / total),
      });
      expect(await neuralCleanse(model, test, options)).toEqual(one);
      expect(one.suspected).toEqual([2]);
      expect((await neuralCleanse(model, test, { ...options, seed: 6 })).suspected).toEqual([2]);
      expect([steps.length, steps.at(-1)]).toEqual([360, 1]);
    });
  });
});

describe('a clean network', () => {
  it.each([1, 2, 3])('taught with seed %i has no suspects', async (seed) => {
    await withModel(trainedModel(pictures(300, seed), seed), async (model) => {
      const report = await search(model);
      expect(report.suspected).toEqual([]);
      expect(report.classes).toHaveLength(classes);
      for (const { reached, length } of report.classes) {
        expect(reached).toBe(true);
        expect(length).toBeGreaterThan(8);
      }
    });
  });
});

describe('the search', () => {
  const linear = {
    ...{ size: 4, classes: 3, weights: new Float32Array(12) },
    bias: Float32Array.of(1, 0, 0),
  };
  const model = differentiable(linearSession(linear), linearGradient(linear));
  const batch = { x: new Float32Array(12).fill(0.5), labels: Int32Array.of(0, 1, 2) };
  it('says which classes it could not reach, and takes flat rows as one line', async () => {
    const report = await neuralCleanse(model, batch, { bounds, seed: 1, steps: 60 });
    expect(report.classes.map(({ reached }) => reached)).toEqual([true, false, false]);
    expect(report.classes.map(({ success }) => success)).toEqual([1, 0, 0]);
    expect(report.maskShape).toEqual([1, 4]);
    // Whatever is asked, the model says 0: nothing is needed to get there.
    expect(report.suspected).toEqual([0]);
  });
  it('tells anomalies by the median absolute deviation, shorter ones above 0', () => {
    const { anomalies, median } = anomaliesOf([10, 12, 14, 16, 2]);
    expect(median).toBe(12);
    const expected = [2, 0, -2, -4, 10].map((by) => by / (1.4826 * 2));
    for (const [i, value] of expected.entries()) expect(anomalies[i]).toBeCloseTo(value, 12);
    expect(anomaliesOf([3, 3, 3]).anomalies).toEqual([0, 0, 0]);
  });
  it('stops when it is told to', async () => {
    const options = { bounds, seed: 1, signal: AbortSignal.abort() };
    await expect(neuralCleanse(model, batch, options)).rejects.toMatchObject({ code: 'cancelled' });
  });
  it.each([
    [[], [], 'rows expected, got none'],
    [[1, 2, 3], [0], 'rows expected 4 elements each, got 3 for 1 labels'],
    [[1, 2, 3, Number.NaN], [0], 'rows expected finite numbers: row 1 has NaN'],
    [[1, 2, 3, 4, 1, 2, 3, 4], [2, 2], 'rows of two classes expected, got only 2'],
  ])('refuses bad rows %#', async (values, labels, message) => {
    const bad = { x: Float32Array.from(values), labels: Int32Array.from(labels) };
    const found = neuralCleanse(model, bad, { bounds, seed: 1 });
    await expect(found).rejects.toMatchObject({
      code: 'invalid-data',
      message: expect.stringContaining(message),
    });
  });
  it.each([
    [{ seed: -1 }, '"seed" expected a whole number from 0, got -1'],
    [{ steps: 0 }, '"steps" expected a positive integer, got 0'],
    [{ batchRows: 1.5 }, '"batchRows" expected a positive integer, got 1.5'],
    [{ stepSize: 0 }, '"stepSize" expected a number above 0, got 0'],
    [{ successMin: 1 }, '"successMin" expected a number in (0, 1), got 1'],
    [{ anomalyMin: Number.NaN }, '"anomalyMin" expected a number above 0, got NaN'],
    [{ lengthShareMax: 2 }, '"lengthShareMax" expected a number in (0, 1], got 2'],
    [{ bounds: { min: 1, max: 0 } }, '"bounds" expected min < max, got 1, 0'],
    [{ targets: [0, 1] }, '"targets" expected three different classes, got 0, 1'],
    [{ targets: [0, 1, 1] }, '"targets" expected three different classes, got 0, 1, 1'],
    [{ targets: [0, 1, 3] }, '"targets" expected classes below 3, got 3'],
    [{ targets: [0, 1, -1] }, '"targets" expected classes below 3, got -1'],
  ])('refuses options out of range %#', async (options, message) => {
    const found = neuralCleanse(model, batch, { bounds, seed: 1, ...options });
    await expect(found).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(message),
    });
  });
});
