/** Losses of TRADES and MART and their gradients, against PyTorch's autograd. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { martLoss, tradesLoss } from '../../../src/train/methods/pair-loss.ts';

interface Recorded {
  readonly name: 'trades' | 'mart';
  readonly weight: number;
  readonly spread: number;
  readonly clean: number[];
  readonly attacked: number[];
  readonly labels: number[];
  readonly losses: number[];
  readonly byClean: number[];
  readonly byAttacked: number[];
}

const file = new URL('../../../../../vectors/harden/torch.json', import.meta.url);
const { losses } = JSON.parse(readFileSync(file, 'utf8')) as { losses: Recorded[] };

describe('losses of pairs agree with PyTorch', () => {
  it.each(losses)('$name, scores of spread $spread', (recorded) => {
    const { name, weight } = recorded;
    const found = { trades: tradesLoss, mart: martLoss }[name](
      {
        clean: Float32Array.from(recorded.clean),
        attacked: Float32Array.from(recorded.attacked),
        labels: Int32Array.from(recorded.labels),
      },
      weight,
    );
    for (const part of ['losses', 'byClean', 'byAttacked'] as const) {
      const expected = recorded[part];
      const scale = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - (found[part][i] ?? NaN)) / scale);
      expect(Math.max(...errors)).toBeLessThan(2e-7);
    }
  });
});
