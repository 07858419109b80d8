/** A run that is cut and goes on ends where it would have ended, byte for byte. */
import { seeded } from '@merlon/core';
import { readOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { type TrainingProgress, type TrainRequest, train } from '../../../src/index.ts';
import { curved, data, fragile, goal, openPlain, request } from '../models.ts';

const few = data(130, 4);
/** Three epochs of three steps, the last batch of each a part. */
const wish = (change: Partial<TrainRequest> = {}): TrainRequest =>
  request({
    model: curved(),
    x: few.x,
    labels: few.labels,
    shape: few.shape,
    epochs: 3,
    attackSteps: 2,
    learningRate: 0.1,
    validation: data(40, 9),
    ...change,
    random: change.random ?? seeded(1),
  });

/** The whole run, and its checkpoint after each step. */
async function whole(change: Partial<TrainRequest>) {
  const saved: Uint8Array[] = [];
  const save = async (bytes: Uint8Array): Promise<void> => void saved.push(bytes);
  const done = await train(wish({ ...change, checkpoint: { every: 1, save } }), openPlain);
  return { done, saved };
}

const kinds: [string, Partial<TrainRequest>][] = [
  ['SGD with momentum', {}],
  ['AdamW with decay', { optimizer: 'adamw', weightDecay: 0.01, learningRate: 0.01 }],
  ['an average of weights', { averaging: 0.9 }],
  ['TRADES', { method: 'trades' }],
  ['MART', { method: 'mart' }],
  ['a perturbation that is carried on', { method: 'free', replays: 2 }],
  ['noise', { method: 'noise' }],
  ['fast', { method: 'fast', optimizer: 'adamw', learningRate: 0.01, averaging: 0.5 }],
  ['dp-sgd', { method: 'dp-sgd', privacy: goal }],
  ['dp-sgd with AdamW', { method: 'dp-sgd', privacy: goal, optimizer: 'adamw' }],
];

describe('a run that is cut', () => {
  it.each(kinds)('goes on to the same bytes: %s', async (_, change) => {
    const { done, saved } = await whole(change);
    expect(saved.length).toBe(9);
    expect(await train(wish(change), openPlain)).toEqual(done);
    // Within an epoch, at its end, and at the end of all.
    for (const after of [1, 3, 5, 8, 9]) {
      const resume = saved[after - 1] ?? new Uint8Array(0);
      const more: Uint8Array[] = [];
      const save = async (bytes: Uint8Array): Promise<void> => void more.push(bytes);
      const checkpoint = { every: 1, save, resume };
      const rest = await train(wish({ ...change, checkpoint }), openPlain);
      expect(rest).toEqual(done);
      expect(more).toEqual(saved.slice(after));
    }
  });
  it('changes with every step, so that equal ends mean something', async () => {
    const { done, saved } = await whole({});
    const texts = new Set(saved.map((bytes) => Buffer.from(bytes).toString('base64')));
    expect(texts.size).toBe(9);
    const other = await train(wish({ random: seeded(2) }), openPlain);
    expect(other.model).not.toEqual(done.model);
  });
  it('goes on after an abort in the middle, and takes only the steps that are left', async () => {
    const { done } = await whole({});
    const controller = new AbortController();
    let last = new Uint8Array(0);
    const save = async (bytes: Uint8Array): Promise<void> => {
      last = bytes.slice();
    };
    const onProgress = ({ done: step }: { done: number }): void => {
      if (step === 5) controller.abort(new Error('power cut'));
    };
    const cut = wish({ checkpoint: { every: 2, save }, signal: controller.signal, onProgress });
    await expect(train(cut, openPlain)).rejects.toThrow('power cut');
    const steps: number[] = [];
    const rest = wish({
      checkpoint: { every: 2, save, resume: last },
      onProgress: ({ done: step }) => void steps.push(step),
    });
    expect(await train(rest, openPlain)).toEqual(done);
    expect(steps).toEqual([5, 6, 7, 8, 9]);
  });
  it('keeps its patience', async () => {
    const change = { schedule: [[0, 0]] as const, epochs: 9, patience: 2 };
    const { done, saved } = await whole(change);
    expect([done.ended, done.validation.length]).toEqual(['patience', 3]);
    const resume = saved[4] ?? new Uint8Array(0);
    const checkpoint = { every: 100, save: async () => undefined, resume };
    expect(await train(wish({ ...change, checkpoint }), openPlain)).toEqual(done);
  });
  it('goes on counting what privacy was spent', async () => {
    const change = { method: 'dp-sgd', privacy: { ...goal, repeatable: false } } as const;
    const { done, saved } = await whole(change);
    // From the first step: later the best epoch may lie behind, and its weights are the same.
    const checkpoint = { every: 1, save: async () => undefined, resume: saved[0] as Uint8Array };
    const rest = await train(wish({ ...change, checkpoint }), openPlain);
    expect(rest.privacy).toEqual(done.privacy);
    expect(rest.steps).toBe(9);
    // Its noise is nobody's to repeat.
    expect(rest.model).not.toEqual(done.model);
  });
});

describe('checkpoints that nobody takes by hand', () => {
  it('come with the progress, the same bytes', async () => {
    const { done, saved } = await whole({});
    const told: Uint8Array[] = [];
    const onProgress = ({ checkpoint }: TrainingProgress): void => {
      if (checkpoint !== undefined) told.push(checkpoint);
    };
    expect(await train(wish({ checkpoint: { every: 2 }, onProgress }), openPlain)).toEqual(done);
    expect(told).toEqual([saved[1], saved[3], saved[5], saved[7]]);
  });
  it('are what is left when the first epoch diverges', async () => {
    // No step at first, so that checkpoints have the weights of the file; then far too long ones.
    const schedule = [
      [0, 0],
      [0.1, 0],
      [0.11, 1],
    ] as const;
    const change = { schedule, momentum: 1, weightDecay: 1, epochs: 1, learningRate: 1000 };
    const lost = { ...change, model: fragile(), batchSize: 2, ...data(400, 4) };
    await expect(train(wish(lost), openPlain)).rejects.toMatchObject({ code: 'diverged' });
    const kept: Uint8Array[] = [];
    const save = async (bytes: Uint8Array): Promise<void> => void kept.push(bytes);
    const done = await train(wish({ ...lost, checkpoint: { every: 10, save } }), openPlain);
    expect([done.ended, done.keptEpoch, kept.length > 0]).toEqual(['diverged', 0, true]);
    const numbers = readOnnx(done.model).graph.initializers.map(
      ({ data: bytes }) => new Float32Array(bytes.slice().buffer),
    );
    expect(numbers.every((array) => array.every((value) => Number.isFinite(value)))).toBe(true);
  });
});

describe('a checkpoint of another run', () => {
  const others: [string, Partial<TrainRequest>][] = [
    ['seed', { random: seeded(2) }],
    ['epochs', { epochs: 4 }],
    ['method', { method: 'trades' }],
    ['optimizer', { optimizer: 'adamw' }],
    ['rate', { learningRate: 0.2 }],
    ['patience', { patience: 3 }],
    ['rows', { x: few.x.with(0, 0.123) }],
    ['labels', { labels: few.labels.with(0, 1 - (few.labels[0] ?? 0)) }],
    ['validation', { validation: data(40, 10) }],
    ['schedule', { schedule: 'cosine' }],
  ];
  it.each(others)('is refused: other %s', async (_, change) => {
    const { saved } = await whole({ epochs: 3 });
    const checkpoint = { every: 1, save: async () => undefined, resume: saved[2] as Uint8Array };
    await expect(train(wish({ ...change, checkpoint }), openPlain)).rejects.toMatchObject({
      code: 'other-run',
      message: 'the checkpoint belongs to a run of another model, rows, options or seed',
    });
  });
  it('is none when only threads differ', async () => {
    const { done, saved } = await whole({});
    const checkpoint = { every: 1, save: async () => undefined, resume: saved[2] as Uint8Array };
    const rest = await train(wish({ threads: 2, checkpoint }), openPlain);
    expect(rest.steps).toBe(done.steps);
  });
  it('asks for whole steps', async () => {
    const checkpoint = { every: 0.5, save: async () => undefined };
    await expect(train(wish({ checkpoint }), openPlain)).rejects.toMatchObject({
      code: 'invalid-option',
      message: '"checkpoint.every" expected whole steps, got 0.5',
    });
  });
});
