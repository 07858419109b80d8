import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { openSeat, readAnswer } from './seat.ts';

const path = fileURLToPath(new URL('../../../../models/digits-cnn.onnx', import.meta.url));
const image = { name: 'image', shape: [1, 1, 28, 28], datatype: 'FP32' };
const random = seeded(3);
const bodies = Array.from({ length: 48 }, () => {
  const data = Array.from({ length: 784 }, () => random.uniform());
  return JSON.stringify({ inputs: [{ ...image, data }], outputs: [{ name: 'logits' }] });
});

describe('many callers at once', () => {
  it('are answered as if each were alone, to 1e-5', { timeout: 60_000 }, async () => {
    const seat = await openSeat(readFileSync(path));
    expect(seat.model.joins).toBe(true);
    const ask = async (body: string): Promise<readonly number[]> => {
      const { json } = await readAnswer(await seat.infer(body));
      return (json.outputs?.[0]?.data ?? []) as number[];
    };
    const alone: (readonly number[])[] = [];
    for (const body of bodies) alone.push(await ask(body));
    const together = await Promise.all(bodies.map(ask));
    let worst = 0;
    together.forEach((logits, i) => {
      expect(logits.length).toBe(10);
      logits.forEach((value, k) => {
        const own = alone[i]?.[k] ?? Number.NaN;
        worst = Math.max(worst, Math.abs(value - own) / (1 + Math.abs(own)));
      });
    });
    expect(worst).toBeLessThan(1e-5);
    await seat.close();
  });
});
