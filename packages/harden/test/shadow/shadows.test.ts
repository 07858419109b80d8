/** Shadow models find the rows that a model learnt by heart, and nothing in one that saw others. */
import { readFileSync } from 'node:fs';
import {
  liraOffline,
  liraOnline,
  type ShadowRoles,
  type ShadowSignals,
  type ShadowTable,
  shadowMembership,
} from '@merlon/attack';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { trainShadows } from '../../src/index.ts';
import { openPlain } from '../train/models.ts';
import { coins, signalsOfLearnt, wide } from './learnt.ts';

interface Told {
  readonly scores: readonly number[];
  readonly auc: number;
  readonly tprAtFpr001: number;
  readonly low: number;
  readonly high: number;
}
type Recorded = Record<'liraOnline' | 'liraOffline' | 'rmia', Told> &
  ShadowRoles & { observed: number[]; logits: number[][]; inside: number[][] };

const file = new URL('../../../../vectors/harden/shadows.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;

describe('attacks with shadow models', () => {
  const table: ShadowTable = {
    observed: Float64Array.from(recorded.observed),
    logits: recorded.logits.map((own) => Float64Array.from(own)),
    inside: recorded.inside.map((own) => Uint8Array.from(own)),
  };
  const report = shadowMembership(table, recorded);
  it.each(['liraOnline', 'liraOffline', 'rmia'] as const)('%s is that of SciPy', (name) => {
    const { auc, tprAtFpr001, low, high } = recorded[name];
    const found = report[name];
    expect(found.auc).toBeCloseTo(auc, 12);
    expect(found.tprAtFpr001).toBeCloseTo(tprAtFpr001, 12);
    expect(found.intervals.tprAtFpr001.low).toBeCloseTo(low, 6);
    expect(found.intervals.tprAtFpr001.high).toBeCloseTo(high, 6);
  });
  it('score every row as SciPy does', () => {
    const rows = [...recorded.members, ...recorded.nonmembers].map((row): ShadowSignals => {
      const side = (wanted: number): number[] =>
        recorded.logits.flatMap((own, model) =>
          recorded.inside[model]?.[row] === wanted ? [own[row] ?? 0] : [],
        );
      return { observed: recorded.observed[row] ?? 0, inside: side(1), outside: side(0) };
    });
    const [online, offline] = [liraOnline(rows), liraOffline(rows)];
    for (const [i, score] of recorded.liraOnline.scores.entries()) {
      expect(online[i]).toBeCloseTo(score, 8);
      expect(offline[i]).toBeCloseTo(recorded.liraOffline.scores[i] ?? 0, 8);
    }
  });
  it('need rows of both kinds', () => {
    expect(() => shadowMembership(table, { ...recorded, members: [] })).toThrow(
      'members and others expected rows, got none',
    );
  });
});

describe('shadow models', () => {
  it('find what was learnt by heart', async () => {
    const { table, roles } = await signalsOfLearnt({ models: 6, trained: true });
    const { liraOnline: online, liraOffline: offline, rmia } = shadowMembership(table, roles);
    for (const { auc, aucInterval } of [online, offline, rmia]) {
      expect(auc).toBeGreaterThan(0.8);
      expect(aucInterval[0]).toBeGreaterThan(0.6);
    }
    // Each row is in half of the models, and each model has rows of its own.
    for (let row = 0; row < 120; row++) {
      expect(table.inside.reduce((sum, own) => sum + (own[row] ?? 0), 0)).toBe(3);
    }
    expect(new Set(table.inside.map((own) => own.join(''))).size).toBe(6);
  });
  it('find nothing in a model that saw other rows', async () => {
    const { table, roles } = await signalsOfLearnt({ models: 6, trained: false });
    const { liraOnline: online, rmia } = shadowMembership(table, roles);
    for (const { aucInterval } of [online, rmia]) {
      expect(aucInterval[0]).toBeLessThan(0.5);
      expect(aucInterval[1]).toBeGreaterThan(0.5);
    }
  });
  it('repeat from their seed, and differ with it', async () => {
    const few = { ...coins(12, 1), model: wide(), models: 4, epochs: 1, batchSize: 6 };
    const of = (seed: number) =>
      trainShadows({ ...few, learningRate: 0.1, threads: 1, random: seeded(seed) }, openPlain);
    expect(await of(1)).toEqual(await of(1));
    expect((await of(1)).logits).not.toEqual((await of(2)).logits);
  });
  it.each([3, 5, 2])('are an even number from 4, not %d', async (models) => {
    const wish = { ...coins(12, 1), model: wide(), models, epochs: 1, batchSize: 6 };
    const asked = trainShadows(
      { ...wish, learningRate: 0.1, threads: 1, random: seeded(1) },
      openPlain,
    );
    await expect(asked).rejects.toMatchObject({
      code: 'invalid-option',
      message: `"models" expected an even number from 4, got ${models}`,
    });
  });
});
