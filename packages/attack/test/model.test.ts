import { seeded } from '@merlon/core';
import type { Session, ValueInfo } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { classifier, differentiable } from '../src/model/classifier.ts';
import { gradientSource } from '../src/model/sessions.ts';
import {
  labelSession,
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from './models.ts';

const model = randomLinear(6, 3, seeded(1));
const x = uniformRows(10, 6, 2);

function withShapes(session: Session, shapes: Partial<Pick<Session, 'inputs' | 'outputs'>>) {
  return { ...session, ...shapes };
}

describe('classifier', () => {
  it('answers the same in any batching and counts rows', async () => {
    for (const batchRows of [1, 3, 128]) {
      const target = classifier(linearSession(model), { batchRows });
      expect(await target.predict(x)).toEqual(linearLabels(model, x));
      expect(target.queries).toBe(10);
      const { values, classes, predictions } = await target.scores(x);
      expect([values.length, classes]).toEqual([30, 3]);
      expect(predictions).toEqual(linearLabels(model, x));
    }
  });

  it('pads where the model takes a fixed number of rows', async () => {
    const plain = linearSession(model);
    const shown: number[] = [];
    const fixed: Session = {
      ...plain,
      inputs: [{ name: 'x', type: 'float32', shape: [4, 6] }],
      run: (feeds, fetches) => {
        shown.push(feeds.x?.shape[0] ?? 0);
        return plain.run(feeds, fetches);
      },
    };
    expect(await classifier(fixed).predict(x)).toEqual(linearLabels(model, x));
    expect(shown).toEqual([4, 4, 4]);
  });

  it('takes labels from models that give no scores', async () => {
    const target = classifier(labelSession(6, ([first = 0]) => (first > 0.5 ? 1 : 0)));
    expect(target.givesScores).toBe(false);
    expect([...(await target.predict(Float32Array.of(1, 0, 0, 0, 0, 0)))]).toEqual([1]);
    await expect(target.scores(x)).rejects.toThrow('the model gives labels but no scores');
  });

  it('answers −1 where scores are not numbers', async () => {
    const broken = { ...model, bias: Float32Array.of(0, Number.NaN, 0) };
    const answers = await classifier(linearSession(broken)).predict(x.subarray(0, 6));
    expect([...answers]).toEqual([-1]);
  });

  const float = (shape: number[], name = 'x'): ValueInfo => ({ name, type: 'float32', shape });
  it.each([
    [{ inputs: [] }, undefined, 'model expected one float32 input, got none'],
    [
      { inputs: [{ name: 'text', type: 'int64', shape: [-1, 6] } as const] },
      undefined,
      'model expected one float32 input, got "text" int64',
    ],
    [{ inputs: [float([-1, -1])] }, undefined, 'expected rows of shape [?], got no data to tell'],
    [{}, [7], 'input "x" expected rows of shape [6], got [7]'],
    [
      { outputs: [float([-1, 1], 'p')] },
      undefined,
      'expected an output of scores [N, classes] or labels [N], got "p" float32 [-1,1]',
    ],
  ])('refuses models that it cannot use %#', (shapes, inputShape, message) => {
    const session = withShapes(linearSession(model), shapes);
    const open = () => classifier(session, inputShape ? { inputShape } : {});
    expect(open).toThrow(message);
    expect(open).toThrow(expect.objectContaining({ code: 'unsupported-model' }));
  });

  it('refuses rows of the wrong size and stops when it was cancelled', async () => {
    await expect(classifier(linearSession(model)).predict(x.subarray(1))).rejects.toThrow(
      'rows expected 6 elements each, got 59',
    );
    const stopped = classifier(linearSession(model), { signal: AbortSignal.abort() });
    await expect(stopped.predict(x)).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('differentiable', () => {
  it('gives loss, gradient and predictions, and counts both models', async () => {
    const target = differentiable(linearSession(model), linearGradient(model), { batchRows: 4 });
    const labels = Int32Array.from({ length: 10 }, (_, i) => i % 3);
    const { loss, gradient, predictions } = await target.lossGradient(x, labels);
    expect(predictions).toEqual(linearLabels(model, x));
    expect(loss.every((value) => value > 0)).toBe(true);
    expect(gradient.length).toBe(60);
    await target.predict(x);
    expect(target.queries).toBe(20);
    // The slope along one element, by central differences of the loss.
    const step = 1e-3;
    const moved = (by: number) => x.map((value, i) => (i === 7 ? value + by : value));
    const up = await target.lossGradient(moved(step), labels);
    const down = await target.lossGradient(moved(-step), labels);
    const slope = ((up.loss[1] ?? 0) - (down.loss[1] ?? 0)) / (2 * step);
    expect(gradient[7]).toBeCloseTo(slope, 3);
  });

  it('refuses a session that is no gradient model', async () => {
    const wrong = gradientSource(async () => linearSession(model));
    const target = differentiable(linearSession(model), wrong);
    await expect(target.lossGradient(x, new Int32Array(10))).rejects.toThrow(
      'gradient model has no output "merlon_scores"',
    );
  });

  it('opens a session for each loss once, closes all, asks again after a failure', async () => {
    const events: string[] = [];
    let fails = true;
    const source = gradientSource(async (loss) => {
      events.push(`open ${loss}`);
      if (loss === 'dlr' && fails) throw new Error('no memory');
      return { ...linearSession(model), close: async () => void events.push(`close ${loss}`) };
    });
    expect(await source.session('margin')).toBe(await source.session('margin'));
    await expect(source.session('dlr')).rejects.toThrow('no memory');
    fails = false;
    await source.session('dlr');
    await source.close();
    expect(events).toEqual(['open margin', 'open dlr', 'open dlr', 'close margin', 'close dlr']);
  });
});
