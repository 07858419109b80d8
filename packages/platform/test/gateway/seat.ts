/** A model in a worker behind a server without keys, asked without a port in between. */
import { memorySource } from '@merlon/core';
import type { GuardConfig } from '@merlon/harden';
import type { LoadedModel } from '../../src/confine/tasks/serve.ts';
import { startWorker } from '../../src/confine/worker.ts';
import type { Datatype } from '../../src/gateway/datatypes.ts';
import type { Front } from '../../src/gateway/front.ts';
import { standaloneApp, standaloneFront } from '../../src/gateway/standalone.ts';
import { openSeat as openServed, runConfined } from '../../src/serve/seat.ts';

/** A served model. */
export interface TestSeat {
  readonly model: LoadedModel;
  readonly front: Front;
  readonly faults: unknown[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  infer(
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ): Promise<Response>;
  close(): Promise<void>;
}

/** Loads a model; throws where a guard cannot work. */
export async function openSeat(
  bytes: Uint8Array,
  { guards = {}, keys = null }: { guards?: GuardConfig; keys?: readonly string[] | null } = {},
): Promise<TestSeat> {
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => void faults.push(error);
  const source = async () => ({ ...memorySource(bytes), close: async () => undefined });
  const {
    loaded,
    infer: ask,
    close,
  } = await openServed({
    open: () => runConfined(startWorker, source),
    guards,
    onFault,
  });
  const model = loaded();
  if (model === null) throw new Error('nothing is loaded');
  const front = standaloneFront({ name: 'm', version: '0', keys, loaded, infer: ask, onFault });
  const app = standaloneApp(front);
  const fetch = async (path: string, init?: RequestInit) =>
    app.fetch(new Request(`http://localhost${path}`, init));
  return {
    ...{ model, front, faults, fetch, close },
    infer: (body, headers = {}) => fetch('/v2/models/m/infer', { method: 'POST', headers, body }),
  };
}

/** A tensor of a request or an answer. */
export interface Told {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** An answer with the bytes of its outputs, where they have some. */
export async function readAnswer(response: Response) {
  const bytes = Buffer.from(await response.arrayBuffer());
  const told = response.headers.get('inference-header-content-length');
  const length = told === null ? bytes.length : Number(told);
  const json = JSON.parse(bytes.subarray(0, length).toString()) as {
    readonly error?: string;
    readonly hint?: string;
    readonly id?: string;
    readonly model_version?: string;
    readonly outputs?: readonly Told[];
  };
  let at = length;
  const tails = (json.outputs ?? []).map(({ parameters }) => {
    const size = Number(parameters?.binary_data_size ?? 0);
    at += size;
    return bytes.subarray(at - size, at);
  });
  return { status: response.status, json, tails, left: bytes.length - at };
}

/** A body of JSON and what follows it, and the header that tells where. */
export function binaryBody(json: object, ...tails: readonly Uint8Array[]) {
  const head = Buffer.from(JSON.stringify(json));
  const body = new Uint8Array(Buffer.concat([head, ...tails]));
  return [body, { 'inference-header-content-length': String(head.length) }] as const;
}
