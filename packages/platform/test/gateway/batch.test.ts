import { describe, expect, it, vi } from 'vitest';
import type { InferInput, RowsOutput } from '../../src/confine/tasks/serve.ts';
import { PlatformError } from '../../src/errors.ts';
import { batcher, type Engine } from '../../src/serve/batch.ts';

/** An engine whose runs end when the test says so; it doubles what it is given. */
function engine(joins = true) {
  const runs: { readonly rows: number; end(error?: Error): void }[] = [];
  const run: Engine['run'] = (input) =>
    new Promise((resolve, reject) => {
      const x = 'x' in input ? input.x : new Float32Array(0);
      const doubled = (): RowsOutput => ({
        labels: Int32Array.from(x),
        scores: Float32Array.from([...x].flatMap((value) => [value, 2 * value])),
        classes: 2,
        texts: Array.from(x, String),
      });
      runs.push({ rows: x.length, end: (error) => (error ? reject(error) : resolve(doubled())) });
    });
  return { runs, engine: { joins, run } };
}

const rowsOf = (...values: readonly number[]): InferInput => ({ x: Float32Array.from(values) });
const valuesOf = async (asked: Promise<unknown>): Promise<unknown> => {
  const { labels, scores, texts } = (await asked) as RowsOutput;
  return { labels: [...labels], scores: [...scores], texts };
};
/** Lets everything that is ready happen. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a queue in front of an engine', () => {
  it('joins what waits anyway, and cuts the answers apart', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own);
    const ask = (...row: readonly number[]) => queue.run(rowsOf(...row), row.length);
    const asked = [ask(1), ask(2)];
    await turn();
    expect(runs.map(({ rows }) => rows)).toEqual([2]);
    asked.push(ask(3, 4), ask(5));
    await turn();
    expect(runs.length).toBe(1);
    runs[0]?.end();
    await turn();
    expect(runs.map(({ rows }) => rows)).toEqual([2, 3]);
    runs[1]?.end();
    const found = await Promise.all(asked.map(valuesOf));
    expect(found[2]).toEqual({ labels: [3, 4], scores: [3, 6, 4, 8], texts: ['3', '4'] });
    expect(found[3]).toEqual({ labels: [5], scores: [5, 10], texts: ['5'] });
  });
  it('never joins rows that may know of each other, nor other inputs than rows', async () => {
    const bound = engine(false);
    const queue = batcher(bound.engine);
    const asked = [1, 2, 3, 4].map((value) => queue.run(rowsOf(value), 1));
    for (let i = 0; i < 4; i++) {
      await turn();
      bound.runs[i]?.end();
    }
    expect(bound.runs.map(({ rows }) => rows)).toEqual([1, 1, 1, 1]);
    await Promise.all(asked);
    const free = engine();
    const other = batcher(free.engine);
    const tensors: InferInput = { tensors: {} };
    const mixed = [rowsOf(1), rowsOf(2), rowsOf(3), tensors, rowsOf(4)].map((input) =>
      other.run(input, 1),
    );
    await turn();
    expect(free.runs.map(({ rows }) => rows)).toEqual([4]);
    free.runs[0]?.end();
    await turn();
    expect(free.runs.map(({ rows }) => rows)).toEqual([4, 0]);
    free.runs[1]?.end();
    await Promise.all(mixed);
  });
  it('asks each alone when a shared run fails, so that one harms no other', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own);
    const asked = [1, 2, 3, 4].map((value) => queue.run(rowsOf(value), 1));
    const settled = Promise.allSettled(asked);
    await turn();
    runs[0]?.end(new Error('one of them is bad'));
    for (let i = 1; i <= 4; i++) {
      await turn();
      runs[i]?.end(i === 3 ? new Error('this one') : undefined);
    }
    expect((await settled).map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
  });
  it('tells everybody when the engine dies', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own);
    const settled = Promise.allSettled([1, 2, 3, 4].map((value) => queue.run(rowsOf(value), 1)));
    await turn();
    runs[0]?.end(new PlatformError('worker-failed', 'it died'));
    const reason = { code: 'worker-failed' };
    expect(await settled).toMatchObject(Array(4).fill({ status: 'rejected', reason }));
    expect(runs.length).toBe(1);
  });
  it('refuses at once what it could only queue without end', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own, { waitingMax: 2 });
    const asked = [1, 2].map((value) => queue.run(rowsOf(value), 1));
    await turn();
    asked.push(...[3, 4].map((value) => queue.run(rowsOf(value), 1)));
    await expect(queue.run(rowsOf(5), 1)).rejects.toMatchObject({
      code: 'busy',
      status: 503,
      message: 'the model is busy: 2 requests wait already',
    });
    const rows = batcher(engine().engine, { waitingRowsMax: 3 });
    const some = [rows.run(rowsOf(1, 2), 2)];
    await expect(rows.run(rowsOf(7, 8), 2)).rejects.toMatchObject({ code: 'busy' });
    runs[0]?.end();
    await turn();
    for (const run of runs) run.end();
    await Promise.all(asked);
    expect(some.length).toBe(1);
  });
  it('refuses what was not answered in time, and never runs what nobody waits for', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own, { patienceMs: 1 });
    const asked = [queue.run(rowsOf(1), 1)];
    await turn();
    asked.push(queue.run(rowsOf(2), 1));
    await expect(asked[1]).rejects.toMatchObject({
      code: 'too-late',
      status: 504,
      message: 'no answer within 1 ms',
    });
    await Promise.allSettled(asked);
    expect(queue.waiting).toBe(0);
    runs[0]?.end();
    await turn();
    expect(runs.length).toBe(1);
  });
  it('waits for company only when it is told to', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own, { windowMs: 20, rowsMax: 3 });
    const asked = [1, 2].map((value) => queue.run(rowsOf(value), 1));
    await turn();
    expect(runs.length).toBe(0);
    asked.push(queue.run(rowsOf(3), 1));
    await vi.waitFor(() => expect(runs.map(({ rows }) => rows)).toEqual([3]));
    runs[0]?.end();
    expect(await Promise.all(asked.map(valuesOf))).toMatchObject([
      ...[{ labels: [1] }, { labels: [2] }, { labels: [3] }],
    ]);
  });
  it('drains what was asked', async () => {
    const { runs, engine: own } = engine();
    const queue = batcher(own);
    const asked = [1, 2, 3].map((value) => queue.run(rowsOf(value), 1));
    let drained = false;
    const drain = queue.drain().then(() => {
      drained = true;
    });
    await turn();
    expect(drained).toBe(false);
    runs[0]?.end();
    await drain;
    expect((await Promise.all(asked)).length).toBe(3);
  });
});
