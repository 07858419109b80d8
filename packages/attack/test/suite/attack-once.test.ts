import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { manualClock, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { classifier, differentiable } from '../../src/model/classifier.ts';
import { attackOnce } from '../../src/suite/attack-once.ts';
import { attackNamed } from '../../src/table.ts';
import { linf, untargeted } from '../../src/threat.ts';
import { attackVersion } from '../../src/version.ts';
import {
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';

const size = 12;
const rows = 23;
const model = randomLinear(size, 4, seeded(1));
const x = uniformRows(rows, size, 2);
const batch = { x, labels: linearLabels(model, x) };

describe('chunks', () => {
  it.each([
    'fgsm',
    'pgd-restarts',
    'apgd-ce',
    'apgd-t',
    'fab-t',
    'square',
    'nes',
    'ddn',
    'universal',
  ])('%s finds the same in chunks as at once, and tells its progress through all', async (name) => {
    const run = async (elementsMax: number) => {
      const seen: number[] = [];
      const shown: number[] = [];
      const plain = linearSession(model);
      const session: typeof plain = {
        ...plain,
        run: (feeds) => {
          shown.push(feeds.x?.shape[0] ?? 0);
          return plain.run(feeds);
        },
      };
      const models = {
        plain: classifier(session),
        gradients: differentiable(session, linearGradient(model)),
      };
      const { judgement } = await attackOnce(attackNamed(name), models, batch, {
        threat: {
          budget: name === 'ddn' ? { norm: 'l2', epsilon: 0.2 } : linf(0.05),
          bounds: { min: 0, max: 1 },
          criterion: untargeted,
        },
        settings: { queriesMax: 100 },
        random: seeded(3),
        pool: { x, shape: [rows, size], labels: batch.labels, classes: [] },
        clock: manualClock(),
        onProgress: ({ done, total }) => void seen.push(done / total),
        elementsMax,
      });
      return { judgement, seen, shown };
    };
    const whole = await run(2 ** 22);
    const chunked = await run(5 * size);
    expect(chunked.judgement).toEqual(whole.judgement);
    expect(chunked.seen).toEqual(chunked.seen.toSorted((a, b) => a - b));
    expect(Math.max(0, ...chunked.seen)).toBeLessThanOrEqual(1);
    // A change for all samples is made of all of them; nothing else ever sees so many at once.
    const most = name === 'nes' ? 5 * 100 : 5;
    if (name !== 'universal') expect(Math.max(...chunked.shown)).toBeLessThanOrEqual(most);
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
    expect((JSON.parse(text) as { version: string }).version).toBe(attackVersion);
  });
});
