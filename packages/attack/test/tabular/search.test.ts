import { seeded } from '@merlon/core';
import type { FeatureSchema } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { classifier } from '../../src/model/classifier.ts';
import { constraintsOf } from '../../src/tabular/constraints.ts';
import { featureSearch } from '../../src/tabular/search.ts';
import { targeted } from '../../src/threat.ts';
import { labelSession } from '../models.ts';
import { randomRows, randomTable, randomTree } from './tables.ts';

function stack(rows: readonly Float32Array[]): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

describe('featureSearch', () => {
  it('satisfies every constraint of any schema, within its budget, and repeats', async () => {
    let broken = 0;
    let attacked = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = seeded(seed);
      const table = randomTable(random);
      const decide = randomTree(table, random);
      const rows = randomRows(table, 12, random);
      const x = stack(rows);
      const labels = Int32Array.from(rows, decide);
      const constraints = constraintsOf(table);
      const model = classifier(labelSession(table.features.length, decide));
      const options = { constraints, random: seeded(seed), queriesMax: 400 };
      const found = await featureSearch(model, { x, labels }, options);
      expect(model.queries).toBeLessThanOrEqual(400 * rows.length);
      expect(await featureSearch(model, { x, labels }, options)).toEqual(found);
      rows.forEach((row, i) => {
        const own = found.subarray(i * row.length, (i + 1) * row.length);
        expect(constraints.violations(own, row)).toEqual([]);
        attacked++;
        if (decide(own) !== labels[i]) broken++;
        else expect(own).toEqual(row);
      });
    }
    expect(attacked).toBeGreaterThan(400);
    expect(broken / attacked).toBeGreaterThan(0.6);
  });

  const features: readonly FeatureSchema[] = ['a', 'b', 'c'].map((name) => ({
    name,
    type: 'integer',
    min: 0,
    max: 1000,
    step: 1,
    mutable: name !== 'c',
  }));
  const relations = [{ kind: 'lessOrEqual', left: 'a', right: 'b' }] as const;
  const constraints = constraintsOf({ features, relations });
  const open = (decide: (row: Float32Array) => number) => classifier(labelSession(3, decide));
  const random = seeded(1);

  it('changes one feature by the least that turns the decision', async () => {
    const model = open(([, b = 0]) => (b >= 637 ? 1 : 0));
    const batch = { x: Float32Array.of(10, 20, 30, 500, 900, 30), labels: Int32Array.of(0, 1) };
    const found = await featureSearch(model, batch, { constraints, random });
    expect([...found]).toEqual([10, 637, 30, 500, 636, 30]);
  });

  it('keeps a relation by moving both features when it must', async () => {
    const model = open(([a = 0]) => (a >= 300 ? 1 : 0));
    const batch = { x: Float32Array.of(10, 20, 30), labels: Int32Array.of(0) };
    const found = await featureSearch(model, batch, { constraints, random });
    expect([...found]).toEqual([300, 300, 30]);
    const one = await featureSearch(model, batch, { constraints, random, changedMax: 1 });
    expect([...one]).toEqual([10, 20, 30]);
  });

  it('starts from data where no single change helps', async () => {
    const model = open(([a = 0, b = 0]) => (a > 400 && b > 400 && a < 410 && b < 430 ? 1 : 0));
    const batch = { x: Float32Array.of(10, 20, 30), labels: Int32Array.of(0) };
    const pool = { x: Float32Array.of(405, 425, 900, 1, 2, 3), rows: 2 };
    const found = await featureSearch(model, batch, { constraints, random, pool });
    expect([...found]).toEqual([401, 401, 30]);
  });

  it('gives the row back where nothing can be done, and ends', async () => {
    const model = open(([, , c = 0]) => (c > 100 ? 1 : 0));
    const batch = { x: Float32Array.of(10, 20, 30), labels: Int32Array.of(0) };
    const found = await featureSearch(model, batch, { constraints, random, queriesMax: 150 });
    expect(found).toEqual(batch.x);
    expect(model.queries).toBeLessThanOrEqual(150);
  });

  it('reaches a class that is asked for', async () => {
    const model = open(([, b = 0]) => (b > 700 ? 2 : b > 500 ? 1 : 0));
    const batch = { x: Float32Array.of(10, 20, 30), labels: Int32Array.of(0) };
    const criterion = targeted(Int32Array.of(2));
    const found = await featureSearch(model, batch, { constraints, random, criterion });
    expect([...found]).toEqual([10, 701, 30]);
  });

  it('refuses rows that break the schema or are too narrow, and stops when told', async () => {
    const model = open(() => 0);
    const labels = Int32Array.of(0);
    const bad = { x: Float32Array.of(30, 20, 10), labels };
    await expect(featureSearch(model, bad, { constraints, random })).rejects.toMatchObject({
      code: 'invalid-data',
      message: 'row 1 breaks its own schema: "a" ≤ "b" expected, got 30 and 20',
    });
    const narrow = { x: Float32Array.of(30, 20), labels };
    await expect(featureSearch(model, narrow, { constraints, random })).rejects.toThrow(
      'rows expected 3 features, got 2',
    );
    const signal = AbortSignal.abort();
    const batch = { x: Float32Array.of(1, 2, 3), labels };
    await expect(featureSearch(model, batch, { constraints, random, signal })).rejects.toThrow(
      'the attack was cancelled',
    );
  });
});
