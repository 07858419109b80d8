/**
 * Runs of one engine: rows of requests that wait anyway share a run, the answers are cut apart
 * again. By default nobody waits for company: a request that finds the engine free goes at once
 * with what came in the same turn of the loop, and what comes while it is busy is joined. One run
 * at a time: two gave smaller runs and fewer answers. The queue has an end, and so has patience:
 * beyond either a request is refused, instead of being answered when nobody asks any more.
 */
import type { Tensors } from '@merlon/graph';
import type { InferInput, RowsOutput } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';

/** What stands behind a queue. */
export interface Engine {
  /** Whether rows of several requests may share a run. */
  readonly joins: boolean;
  run(input: InferInput): Promise<RowsOutput | Tensors>;
}

/** Limits of a queue. */
export interface BatchOptions {
  /** Milliseconds that a request waits for company while the engine is free (default 0). */
  readonly windowMs?: number;
  /** Rows of a run at most, when several requests share it (default 128). */
  readonly rowsMax?: number;
  /** Requests that wait at most (default 512). */
  readonly waitingMax?: number;
  /** Rows that wait at most, of more than one request (default 16,384). */
  readonly waitingRowsMax?: number;
  /** Runs at once (default 1, which takes all that waits). */
  readonly runsMax?: number;
  /** Milliseconds until an answer at most (default 30,000). */
  readonly patienceMs?: number;
}

/** An engine behind a queue. */
export interface Batcher {
  /** Throws `busy` when the queue is full, `too-late` when patience ends, else as the engine. */
  run(input: InferInput, rows: number): Promise<RowsOutput | Tensors>;
  /** Waits until all that was asked is answered or refused. */
  drain(): Promise<void>;
  /** Requests that wait. */
  readonly waiting: number;
}

interface Waiting {
  readonly input: InferInput;
  readonly rows: number;
  readonly answer: (found: RowsOutput | Tensors) => void;
  readonly refuse: (error: unknown) => void;
}

/** A queue in front of an engine. */
export function batcher(engine: Engine, options: BatchOptions = {}): Batcher {
  const { windowMs = 0, rowsMax = 128, waitingMax = 512, waitingRowsMax = 16_384 } = options;
  const { patienceMs = 30_000, runsMax = 1 } = options;
  const queue = new Set<Waiting>();
  const all = new Set<Promise<unknown>>();
  const state = { rows: 0, running: 0, timed: false };
  const leave = (item: Waiting): void => {
    if (queue.delete(item)) state.rows -= item.rows;
  };
  const pump = (): void => {
    while (state.running < runsMax && queue.size > 0) {
      state.running++;
      const taken = nextOf(queue, engine.joins ? rowsMax : 0);
      for (const item of taken) leave(item);
      void answerAll(engine, taken).finally(() => {
        state.running--;
        pump();
      });
    }
  };
  /** After what else has come in this turn of the loop, or after the window. */
  const soon = (): void => {
    if (state.timed) return;
    const begin = (): void => {
      state.timed = false;
      pump();
    };
    state.timed = true;
    const mayWait = windowMs > 0 && engine.joins && state.running === 0 && state.rows < rowsMax;
    if (mayWait) setTimeout(begin, windowMs);
    else setImmediate(begin);
  };
  const enter = (input: InferInput, rows: number) =>
    new Promise<RowsOutput | Tensors>((resolve, reject) => {
      const timer = setTimeout(() => {
        leave(item);
        reject(tooLate(patienceMs));
      }, patienceMs);
      const settled = <T>(then: (value: T) => void) => {
        return (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      };
      const item = { input, rows, answer: settled(resolve), refuse: settled(reject) };
      queue.add(item);
      state.rows += rows;
      soon();
    });
  return {
    get waiting() {
      return queue.size;
    },
    run: (input, rows) => {
      const isFull = queue.size > 0 && state.rows + rows > waitingRowsMax;
      if (isFull || queue.size >= waitingMax) return Promise.reject(busy(queue.size));
      const asked = enter(input, rows);
      const settled: Promise<unknown> = Promise.allSettled([asked]).then(() => all.delete(settled));
      all.add(settled);
      return asked;
    },
    drain: async () => {
      while (all.size > 0) await Promise.all(all);
    },
  };
}

/** The first that waits, with others of rows, up to a number of rows. */
function nextOf(queue: ReadonlySet<Waiting>, rowsMax: number): Waiting[] {
  const [first] = queue;
  if (first === undefined) return [];
  const taken = [first];
  let { rows } = first;
  if ('tensors' in first.input) return taken;
  for (const item of queue) {
    if (rows >= rowsMax) break;
    if (item === first || 'tensors' in item.input || rows + item.rows > rowsMax) continue;
    taken.push(item);
    rows += item.rows;
  }
  return taken;
}

/** One run for all; where a shared run fails, each is asked alone, so that one harms no other. */
async function answerAll(engine: Engine, items: readonly Waiting[]): Promise<void> {
  const [only, second] = items;
  if (only === undefined) return;
  if (second === undefined) {
    await engine.run(only.input).then(only.answer, only.refuse);
    return;
  }
  try {
    const found = (await engine.run({ x: joined(items) })) as RowsOutput;
    let start = 0;
    for (const item of items) {
      item.answer(cut(found, start, start + item.rows));
      start += item.rows;
    }
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'worker-failed') {
      for (const item of items) item.refuse(error);
      return;
    }
    for (const item of items) await answerAll(engine, [item]);
  }
}

function joined(items: readonly Waiting[]): Float32Array {
  const parts = items.map(({ input }) => ('x' in input ? input.x : new Float32Array(0)));
  const x = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    x.set(part, at);
    at += part.length;
  }
  return x;
}

function cut({ labels, scores, classes, texts }: RowsOutput, from: number, to: number): RowsOutput {
  return {
    classes,
    labels: labels.slice(from, to),
    scores: scores.slice(from * classes, to * classes),
    texts: texts?.slice(from, to) ?? null,
  };
}

function busy(waiting: number): PlatformError {
  return new PlatformError('busy', `the model is busy: ${waiting} requests wait already`, {
    hint: 'try again in a second',
  });
}

function tooLate(limitMs: number): PlatformError {
  const waited = `no answer within ${Math.round(limitMs)} ms`;
  return new PlatformError('too-late', waited, { hint: 'try again with fewer rows' });
}
