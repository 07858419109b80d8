import { memorySource, utf8 } from '@merlon/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type ConfinedWorker, startWorker } from '../src/confine/worker.ts';

const timeoutMs = 20_000;
let worker: ConfinedWorker | null = null;
afterEach(async () => {
  await worker?.close();
  worker = null;
});

/** What a hostile task would try, asked of the worker's own process. */
async function probe(what: string): Promise<unknown> {
  worker = startWorker();
  return worker.call('probe', { what }, { timeoutMs });
}

describe('a confined worker', () => {
  it('has no environment and no keys', async () => {
    expect(await probe('environment')).toEqual([]);
  });
  it.each([
    ['read', 'ERR_ACCESS_DENIED'],
    ['write', 'ERR_ACCESS_DENIED'],
    ['child', 'ERR_ACCESS_DENIED'],
    ['thread', 'ERR_ACCESS_DENIED'],
    ['network', 'ERR_ACCESS_DENIED'],
  ])('may not use: %s', async (what, code) => {
    expect(await probe(what)).toBe(code);
  });
  it('reads its sources through the parent, and only those it was given', async () => {
    worker = startWorker();
    const sources = { file: memorySource(utf8('just words\n')) };
    const input = { path: 'a.txt', profile: 'ml' };
    const report = await worker.call('scan', input, { sources, timeoutMs });
    expect(report).toMatchObject({ verdict: 'clean', size: 11 });
    await expect(worker.call('scan', input, { timeoutMs })).rejects.toMatchObject({
      code: 'bad-input',
      message: 'no source is called "file"',
    });
    await expect(worker.call('none', {}, { timeoutMs })).rejects.toMatchObject({
      message: 'no task is called "none"',
    });
  });
  it('is killed when it takes too long, and says so', async () => {
    worker = startWorker();
    await expect(worker.call('probe', { what: 'hang' }, { timeoutMs: 1500 })).rejects.toMatchObject(
      {
        code: 'worker-failed',
        message: 'the confined worker took longer than 1.5 s',
      },
    );
  });
  it('is killed when it takes too much memory, and says so', async () => {
    worker = startWorker({ memoryBytesMax: 300 * 1024 ** 2 });
    const call = worker.call('probe', { what: 'memory' }, { timeoutMs });
    await expect(call).rejects.toMatchObject({
      code: 'worker-failed',
      message: 'the confined worker used more than 300 MiB of memory',
    });
  });
  it('is killed when its work is cancelled', async () => {
    worker = startWorker();
    const controller = new AbortController();
    const { signal } = controller;
    const call = worker.call('probe', { what: 'hang' }, { timeoutMs, signal });
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: 'worker-failed' });
  });
  it('tells that it died when it dies by itself', async () => {
    await expect(probe('die')).rejects.toMatchObject({
      code: 'worker-failed',
      message: 'the confined worker ended unexpectedly (exit code 7)',
    });
  });
});
