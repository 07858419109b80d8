/** What verbs share that work on a model and data in a confined worker. */
import { existsSync, statSync } from 'node:fs';
import { openRandomAccess } from '@merlon/vault';
import type { OpenSource } from '../../blob/blob.ts';
import type { DataInput } from '../../confine/tasks/data.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { nameOf, openSource, requireFile } from '../files.ts';
import { identityOption, keysIn } from '../identities.ts';
import { picturesBelow } from '../pictures.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal } from '../verb.ts';

const timeoutMs = 24 * 3_600_000;

/** Threads of a worker. */
export const threads = 2;

/** Options of every such verb. */
export const modelOptions = {
  data: {
    type: 'string',
    help: 'npz, npy, IDX, csv, parquet, or a folder of pictures by class; may be sealed',
  },
  identity: identityOption,
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
  /** A second data set, for tasks that take one. */
  readonly others?: string;
  readonly onCheckpoint?: (checkpoint: unknown) => void;
}

/** One call in a worker of its own over files opened here. */
export async function callWorker<T>(args: Arguments, terminal: Terminal, wish: Wish): Promise<T> {
  const data = wish.data ?? args.text('data');
  if (data === undefined) throw usage('"--data" is needed');
  requireFile(wish.model, 'the model');
  const constraints = args.text('constraints');
  if (constraints !== undefined) requireFile(constraints, 'the constraints');
  const sources: Record<string, OpenSource> = {};
  let worker: ConfinedWorker | null = null;
  try {
    sources.model = await openInput(args, wish.model);
    if (constraints !== undefined) sources.schema = await openInput(args, constraints);
    const common = { hasSchema: constraints !== undefined };
    const input = { ...(await openData(args, data, 'data', sources)), ...common };
    const others =
      wish.others === undefined
        ? {}
        : { others: { ...(await openData(args, wish.others, 'others', sources)), ...common } };
    worker = startWorker();
    const { progress: onProgress, signal } = terminal;
    const { onCheckpoint } = wish;
    const call = { sources, onProgress, signal, timeoutMs, ...(onCheckpoint && { onCheckpoint }) };
    const all = { ...input, ...others, options: wish.options };
    return await worker.call<T>(wish.method, all, call);
  } finally {
    await worker?.close();
    for (const source of Object.values(sources)) await source.close();
  }
}

/** A data set under a name, its files among the sources; a folder is one of pictures. */
async function openData(
  args: Arguments,
  path: string,
  source: string,
  sources: Record<string, OpenSource>,
): Promise<Omit<DataInput, 'hasSchema'>> {
  const label = args.text('label');
  const named = {
    source,
    dataName: nameOf(path).replace(/\.age$/i, ''),
    ...(label === undefined ? {} : { label }),
  };
  if (existsSync(path) && statSync(path).isDirectory()) {
    const folder = picturesBelow(path, source);
    Object.assign(sources, folder.sources);
    return { ...named, pictures: folder.pictures };
  }
  requireFile(path, 'the data');
  sources[source] = await openInput(args, path);
  return named;
}

const sealedMark = 'age-encryption.org/v1\n';

/** A file, opened chunk by chunk into memory where it is sealed. */
async function openInput(args: Arguments, path: string): Promise<OpenSource> {
  const file = await openSource(path);
  try {
    const head = await file.read(0, sealedMark.length);
    if (new TextDecoder().decode(head) !== sealedMark) return file;
    const identities = await keysIn(args);
    if (identities.length === 0) {
      throw usage(`"${path}" is sealed: name the identity file that opens it with -i`);
    }
    const clear = await openRandomAccess(file, { identities });
    return { size: clear.size, read: clear.read, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Two numbers, least first; the engine refuses what are no bounds. */
export function boundsIn(args: Arguments): readonly [number, number] | undefined {
  const text = args.text('bounds');
  if (text === undefined) return undefined;
  const [min, max, ...more] = text.split(',').map(Number);
  if (min === undefined || max === undefined || more.length > 0) {
    throw usage(`"--bounds" expected two numbers such as 0,1, got "${text}"`);
  }
  return [min, max];
}

/** A share in percent. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
