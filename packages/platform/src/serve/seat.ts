/**
 * One served model: its worker, the queue before it, its guards, and what happens when the worker
 * dies. It is started again; meanwhile requests are refused, never lost.
 */
import { messageOf } from '@merlon/core';
import type { Tensors } from '@merlon/graph';
import type { GuardConfig } from '@merlon/harden';
import type { InferInput, LoadedModel, RowsOutput } from '../confine/tasks/serve.ts';
import type { StartWorker, WorkerSource } from '../confine/worker.ts';
import { PlatformError } from '../errors.ts';
import { type Answer, askGuarded, type Question } from './ask.ts';
import { type Batcher, type BatchOptions, batcher } from './batch.ts';
import { requireGuards } from './guards.ts';

/** A served model. */
export interface Seat {
  /** What callers must know; null while no worker is there. */
  loaded(): LoadedModel | null;
  /** Changes the guards from the next request on. */
  setGuards(guards: GuardConfig): void;
  /** Throws `input-refused` by a guard, `busy`, `too-late`, `unavailable` without a worker. */
  infer(question: Question): Promise<Answer>;
  /** Answers what was asked, then ends. */
  close(): Promise<void>;
}

/** The file of a model. */
export type ModelSource = WorkerSource & { close(): Promise<void> };

/** A model that runs somewhere. */
export interface Running {
  readonly model: LoadedModel;
  /** Throws `worker-failed` when it died, and must be opened anew. */
  run(input: InferInput): Promise<RowsOutput | Tensors>;
  close(): Promise<void>;
}

/** What a seat needs. */
export interface SeatOptions {
  /** Opens the model: at the beginning and after each death. */
  readonly open: () => Promise<Running>;
  readonly guards: GuardConfig;
  readonly batch?: BatchOptions;
  /** Told about deaths and failed starts. */
  readonly onFault: (error: unknown) => void;
}

interface Manned {
  readonly running: Running;
  readonly queue: Batcher;
}

const memoryBytesMax = 4 * 1024 ** 3;
const loadTimeoutMs = 120_000;
const inferTimeoutMs = 30_000;
/** Between attempts to start a worker again. */
const reopenEveryMs = 5000;

/** Loads the model; throws where it cannot be loaded, or a guard cannot work. */
export async function openSeat(options: SeatOptions): Promise<Seat> {
  const { onFault } = options;
  let { guards } = options;
  let manned: Manned | null = await man(options, guards);
  let closed = false;
  let triedMs = Number.NEGATIVE_INFINITY;
  let opening = false;
  const reopen = async (): Promise<void> => {
    if (closed || opening || performance.now() - triedMs < reopenEveryMs) return;
    triedMs = performance.now();
    opening = true;
    try {
      const fresh = await man(options, guards);
      if (closed) await fresh.running.close();
      else manned = fresh;
    } finally {
      opening = false;
    }
  };
  /** Once for each death, however many requests saw it. */
  const bury = (dead: Manned, error: unknown): void => {
    if (manned !== dead || closed) return;
    manned = null;
    triedMs = Number.NEGATIVE_INFINITY;
    onFault(new Error(`a serving worker died: ${messageOf(error)}`));
    void dead.running.close().then(reopen).catch(onFault);
  };
  return {
    loaded: () => manned?.running.model ?? null,
    setGuards: (next) => {
      guards = next;
    },
    infer: async (question) => {
      const own = manned;
      if (own === null || closed) {
        void reopen().catch(onFault);
        throw unavailable();
      }
      try {
        const { running, queue } = own;
        return await askGuarded({ model: running.model, guards, run: queue.run }, question);
      } catch (error) {
        if (!(error instanceof PlatformError) || error.code !== 'worker-failed') throw error;
        bury(own, error);
        throw unavailable();
      }
    },
    close: async () => {
      closed = true;
      await manned?.queue.drain();
      await manned?.running.close();
    },
  };
}

async function man({ open, batch }: SeatOptions, guards: GuardConfig): Promise<Manned> {
  const running = await open();
  try {
    requireGuards(running.model, guards);
    const { model, run } = running;
    return { running, queue: batcher({ joins: model.joins, run }, batch) };
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** A model in a confined worker, read from its file. */
export async function runConfined(
  startWorker: StartWorker,
  open: () => Promise<ModelSource>,
): Promise<Running> {
  const source = await open();
  const worker = startWorker({ memoryBytesMax });
  try {
    const call = { sources: { model: source }, timeoutMs: loadTimeoutMs };
    const model = await worker.call<LoadedModel>('load', { threads: 1 }, call);
    return {
      model,
      run: (input) => worker.call('infer', input, { timeoutMs: inferTimeoutMs }),
      close: () => worker.close(),
    };
  } catch (error) {
    await worker.close();
    throw error;
  } finally {
    await source.close();
  }
}

/** No worker stands behind a name at the moment. */
export function unavailable(): PlatformError {
  return new PlatformError('unavailable', 'the model is not loaded at the moment', {
    hint: 'try again in a moment',
  });
}
