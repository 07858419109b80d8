import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { median } from '../../src/batch.ts';
import { carliniWagner } from '../../src/minimal/carlini-wagner.ts';
import { ddn } from '../../src/minimal/ddn.ts';
import { deepFool } from '../../src/minimal/deep-fool.ts';
import { elastic } from '../../src/minimal/elastic.ts';
import { fab } from '../../src/minimal/fab.ts';
import { fmn } from '../../src/minimal/fmn.ts';
import { saliency } from '../../src/minimal/saliency.ts';
import { type DifferentiableClassifier, differentiable } from '../../src/model/classifier.ts';
import { type Budget, distance, l1, l2, linf, type Norm, targeted } from '../../src/threat.ts';
import {
  linearGradient,
  linearLabels,
  linearScores,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';

const size = 20;
const rows = 30;
const two = randomLinear(size, 2, seeded(31));
// Rows near the middle of a wide box: the nearest point of the boundary is inside.
const wide = { min: -3, max: 4 };
const x = uniformRows(rows, size, 32);
const labels = linearLabels(two, x);
const batch = { x, labels };
const open = () => differentiable(linearSession(two), linearGradient(two));

/** The least change that turns a row: the margin over the dual norm of the difference. */
function leastOf(norm: Norm): number[] {
  const scores = linearScores(two, x);
  const between = Array.from({ length: size }, (_, i) => {
    return (two.weights[2 * i] ?? 0) - (two.weights[2 * i + 1] ?? 0);
  });
  const sizes = between.map(Math.abs);
  const dual = {
    linf: sizes.reduce((sum, value) => sum + value, 0),
    l2: Math.hypot(...between),
    l1: Math.max(...sizes),
    l0: Number.NaN,
  }[norm];
  return Array.from({ length: rows }, (_, row) => {
    return Math.abs((scores[2 * row] ?? 0) - (scores[2 * row + 1] ?? 0)) / dual;
  });
}

type Attack = (model: DifferentiableClassifier) => Promise<Float32Array>;
const random = seeded(1);
const bounds = wide;
const fabIn = (budget: Budget, targetClasses: number): Attack => {
  const options = { budget, bounds, random, targetClasses, untilWithin: false };
  return (model) => fab(model, batch, options);
};
const cases: readonly [string, Norm, number, Attack][] = [
  ['fab', 'linf', 1.01, fabIn(linf(1), 0)],
  ['fab', 'l2', 1.01, fabIn(l2(1), 0)],
  ['fab', 'l1', 1.01, fabIn(l1(1), 0)],
  ['fab-t', 'l2', 1.01, fabIn(l2(1), 9)],
  ['ddn', 'l2', 1.03, (model) => ddn(model, batch, { bounds, steps: 200 })],
  ['deepfool', 'l2', 1.03, (model) => deepFool(model, batch, { bounds, norm: 'l2' })],
  ['deepfool', 'linf', 1.03, (model) => deepFool(model, batch, { bounds, norm: 'linf' })],
  ['fmn', 'l2', 1.03, (model) => fmn(model, batch, { bounds, norm: 'l2' })],
  ['fmn', 'linf', 1.2, (model) => fmn(model, batch, { bounds, norm: 'linf' })],
  ['carlini-wagner', 'l2', 1.05, (model) => carliniWagner(model, batch, { bounds })],
  ['ead', 'l1', 1.6, (model) => elastic(model, batch, { bounds })],
];

describe('attacks for the least change on a linear model', () => {
  it.each(cases)('%s in %s comes near the least distance', async (_, norm, within, attack) => {
    const found = await attack(open());
    const answers = linearLabels(two, found);
    const least = leastOf(norm);
    const ratios = least.map((needed, row) => {
      expect(answers[row]).not.toBe(labels[row]);
      const own = x.subarray(row * size, (row + 1) * size);
      return distance(norm, found.subarray(row * size, (row + 1) * size), own) / needed;
    });
    expect(Math.min(...ratios)).toBeGreaterThan(0.999);
    expect(median(ratios)).toBeLessThan(within);
  });

  it('jsma changes few elements, and gives the row back where it finds nothing', async () => {
    const found = await saliency(open(), batch, { bounds, shareMax: 0.5 });
    const answers = linearLabels(two, found);
    let broken = 0;
    for (let row = 0; row < rows; row++) {
      const own = x.subarray(row * size, (row + 1) * size);
      const changed = distance('l0', found.subarray(row * size, (row + 1) * size), own);
      expect(changed).toBeLessThanOrEqual(10);
      if (answers[row] === labels[row]) expect(changed).toBe(0);
      else broken++;
    }
    expect(broken).toBeGreaterThan(25);
  });

  it('reaches classes that are asked for', async () => {
    const four = randomLinear(size, 4, seeded(33));
    const own = linearLabels(four, x);
    const targets = own.map((label) => (label + 1) % 4);
    const criterion = targeted(targets);
    const model = differentiable(linearSession(four), linearGradient(four));
    const given = { x, labels: own };
    const all = [
      await ddn(model, given, { bounds, criterion }),
      await fmn(model, given, { bounds, criterion, norm: 'l2' }),
      await carliniWagner(model, given, { bounds, criterion }),
      await elastic(model, given, { bounds, criterion }),
      await fab(model, given, { budget: l2(9), bounds, random, criterion, untilWithin: false }),
      await saliency(model, given, { bounds, criterion, shareMax: 1 }),
    ];
    const hits = all.map((found) => {
      const answers = linearLabels(four, found);
      return answers.filter((answer, row) => answer === targets[row]).length;
    });
    expect(hits.filter((count) => count < 18)).toEqual([]);
  });
});
