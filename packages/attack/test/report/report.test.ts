import { manualClock, seeded } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { reportHtml } from '../../src/report/html.ts';
import { runAttacks } from '../../src/run.ts';
import {
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';

const shape = [1, 4, 4];
const model = randomLinear(16, 4, seeded(4));
const x = uniformRows(24, 16, 5);
const dataset: Dataset = {
  x,
  shape: [24, ...shape],
  labels: linearLabels(model, x),
  classes: ['<b>zero</b>', 'one & two', 'three', 'four'],
};

async function report(): Promise<string> {
  const { verdict, examples } = await runAttacks(
    { session: linearSession(model, shape), gradient: linearGradient(model, shape) },
    dataset,
    {
      suite: 'autoattack',
      attacks: ['ddn'],
      norm: 'l2',
      epsilon: 0.3,
      seed: 1,
      clock: manualClock(),
    },
  );
  const { classes } = dataset;
  return reportHtml(verdict, examples, { title: 'A <script>alert(1)</script> model', classes });
}

describe('reportHtml', () => {
  it('tells both lines, each attack and each class, with pictures and a curve', async () => {
    const html = await report();
    expect(html).toContain('<dt>AutoAttack</dt>');
    expect(html).toContain('<dt>Right under every attack</dt>');
    for (const name of ['apgd-ce', 'apgd-t', 'square', 'fab-t', 'ddn']) {
      expect(html).toContain(`<td>${name}</td>`);
    }
    expect(html.match(/<img /g)?.length).toBeGreaterThan(5);
    expect(html).toContain('src="data:image/png;base64,iVBOR');
    expect(html).toMatch(/<svg viewBox/);
    expect(html).toContain('prefers-color-scheme:dark');
    expect(html).toContain('Seed 1; attack 0.1.0');
  });

  it('runs no script, loads nothing, and escapes what it is given', async () => {
    const html = await report();
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(html).not.toMatch(/url\(|@import|https?:/);
    expect(html).toContain('A &lt;script&gt;');
    expect(html).toContain('&lt;b&gt;zero&lt;/b&gt;');
    const tags = [...html.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)];
    const open: string[] = [];
    const alone = ['meta', 'img', 'line', 'path'];
    for (const [, closing, name = ''] of tags) {
      if (alone.includes(name)) continue;
      if (closing === '') open.push(name);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });
});
