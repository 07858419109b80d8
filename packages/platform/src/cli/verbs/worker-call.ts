/** What verbs share that work on a model and data in a confined worker. */
import type { OpenSource } from '../../blob/blob.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { nameOf, openSource, requireFile } from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal } from '../verb.ts';

const timeoutMs = 24 * 3_600_000;

/** Threads of a worker. */
export const threads = 2;

/** Options of every such verb. */
export const modelOptions = {
  data: { type: 'string', help: '.npz, .npy, IDX or .csv' },
  label: { type: 'string', help: 'label column of a table, or array of an archive' },
  constraints: { type: 'string', help: 'schema file: features, ranges, relations' },
  epsilon: { type: 'string', help: 'radius, such as 8/255' },
  seed: { type: 'string', help: 'every random choice comes from it (default 1)' },
} as const;

/** What is asked of a worker. */
export interface Wish {
  readonly method: string;
  readonly model: string;
  readonly options: object;
  /** Instead of `--data`. */
  readonly data?: string;
  readonly onCheckpoint?: (checkpoint: unknown) => void;
}

/** One call in a worker of its own over files opened here. */
export async function callWorker<T>(args: Arguments, terminal: Terminal, wish: Wish): Promise<T> {
  const data = wish.data ?? args.text('data');
  if (data === undefined) throw usage('"--data" is needed');
  requireFile(wish.model, 'the model');
  requireFile(data, 'the data');
  const constraints = args.text('constraints');
  if (constraints !== undefined) requireFile(constraints, 'the constraints');
  const sources: Record<string, OpenSource> = {};
  let worker: ConfinedWorker | null = null;
  try {
    sources.model = await openSource(wish.model);
    sources.data = await openSource(data);
    if (constraints !== undefined) sources.schema = await openSource(constraints);
    const label = args.text('label');
    const input = {
      dataName: nameOf(data),
      hasSchema: constraints !== undefined,
      options: wish.options,
      ...(label === undefined ? {} : { label }),
    };
    worker = startWorker();
    const { progress: onProgress, signal } = terminal;
    const { onCheckpoint } = wish;
    const call = { sources, onProgress, signal, timeoutMs, ...(onCheckpoint && { onCheckpoint }) };
    return await worker.call<T>(wish.method, input, call);
  } finally {
    await worker?.close();
    for (const source of Object.values(sources)) await source.close();
  }
}

/** A share in percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
