/**
 * Upstream mode: the model runs in another server that speaks the Open Inference Protocol (Triton,
 * MLServer, KServe), and Merlon stands before it with keys and guards. What that server says is
 * believed no more than what a worker says: names, types, shapes and lengths are checked.
 */
import { Agent, request as ask } from 'node:http';
import { z } from '@hono/zod-openapi';
import { messageOf } from '@merlon/core';
import { elementCount, type Tensors } from '@merlon/graph';
import type { InferInput, LoadedModel, Port, RowsOutput } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { datatypes, typeOf, type WireTensor } from '../gateway/datatypes.ts';
import { elementsOfBytes, elementsOfList } from '../gateway/elements.ts';
import { type RestReply, withTensors } from '../gateway/rest-answer.ts';
import { type HeaderOf, type InferBody, inferBody } from '../gateway/wire.ts';
import type { Running } from './seat.ts';

/** A model of another server. */
export interface UpstreamOptions {
  /** Origin of the server, such as `http://localhost:8000`. */
  readonly url: string;
  readonly name: string;
}

const socketsMax = 128;

/** Many runs at once: the server behind has a queue of its own. */
export const upstreamQueue = { runsMax: socketsMax } as const;

const timeoutMs = 30_000;
const bytesMax = 256 << 20;
const portSchema = z.object({
  name: z.string().min(1).max(256),
  datatype: z.enum(datatypes as [(typeof datatypes)[number]]),
  shape: z
    .array(
      z
        .int()
        .min(-1)
        .max(2 ** 31),
    )
    .max(32),
});
const metadataSchema = z.object({
  inputs: z.array(portSchema).min(1).max(256),
  outputs: z.array(portSchema).min(1).max(256),
});
const serverSchema = z.object({ extensions: z.array(z.string()).default([]) });
const answerSchema = z.object({
  outputs: z.array(
    portSchema.extend({
      data: z.unknown().optional(),
      parameters: z.looseObject({ binary_data_size: z.int().min(0).optional() }).nullish(),
    }),
  ),
});

/** Asks what the model is; throws `unavailable` or `bad-request` where it cannot be guarded. */
export async function openUpstream({ url, name }: UpstreamOptions): Promise<Running> {
  const agent = new Agent({ keepAlive: true, maxSockets: socketsMax });
  const path = `/v2/models/${encodeURIComponent(name)}`;
  const call = (method: string, where: string, body?: Body) =>
    exchange({ agent, url: new URL(where, url), method, ...(body && { body }) });
  const told = checked(serverSchema, (await call('GET', '/v2')).json, 'the server behind');
  const ports = checked(metadataSchema, (await call('GET', path)).json, `"${name}" behind`);
  const binary = told.extensions.includes('binary_tensor_data');
  const model = modelOf(ports);
  const infer = async (inputs: readonly WireTensor[]): Promise<Tensors> => {
    const { json, tail } = await call('POST', `${path}/infer`, bodyOf(inputs, binary));
    return tensorsOf(checked(answerSchema, json, `the answer of "${name}"`).outputs, tail);
  };
  return {
    model,
    run: (input) => run(model, input, infer),
    close: async () => agent.destroy(),
  };
}

async function run(
  model: LoadedModel,
  input: InferInput,
  infer: (inputs: readonly WireTensor[]) => Promise<Tensors>,
): Promise<RowsOutput | Tensors> {
  if ('tensors' in input) {
    return infer(
      model.inputs.flatMap(({ name, datatype }) => {
        const tensor = input.tensors[name];
        return tensor === undefined ? [] : [{ ...tensor, name, datatype }];
      }),
    );
  }
  const [port] = model.inputs;
  const row = model.rowShape ?? [];
  const rows = input.x.length / elementCount(row);
  if (port === undefined) throw new PlatformError('internal', 'a model without inputs');
  const { name, datatype } = port;
  const found = await infer([{ name, datatype, shape: [rows, ...row], data: input.x }]);
  return rowsOf(model, found, rows);
}

/** Classes and scores of what came back. */
function rowsOf({ label, scores }: LoadedModel, found: Tensors, rows: number): RowsOutput {
  const values = scores === null ? undefined : found[scores];
  const classes = values?.shape[1] ?? 0;
  if (values?.shape[0] !== rows || classes === 0) throw notSound(scores ?? 'scores');
  const own = Float32Array.from(values.data as ArrayLike<number>);
  const told = label === null ? undefined : found[label];
  if (label !== null && told?.data.length !== rows) throw notSound(label);
  const labels = Int32Array.from({ length: rows }, (_, i) => {
    if (told !== undefined) return Number(told.data[i]);
    const row = own.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
  return { labels, scores: own, classes, texts: null };
}

/** A classifier is what takes rows of floats and tells scores, and classes perhaps. */
function modelOf({ inputs, outputs }: { inputs: readonly Port[]; outputs: readonly Port[] }) {
  const [only] = inputs;
  const row = only?.shape.slice(1) ?? [];
  const isRows = inputs.length === 1 && only?.datatype !== 'BYTES' && row.length > 0;
  const rowShape = isRows && row.every((axis) => axis > 0) ? row : null;
  const scores = outputs.find(
    ({ datatype, shape }) => datatype === 'FP32' && shape.length === 2 && shape[1] !== 1,
  );
  const label = outputs.find(
    ({ datatype, shape }) => shape.length === 1 && /^INT(32|64)$/.test(datatype),
  );
  const others = outputs.length - (scores === undefined ? 0 : 1) - (label === undefined ? 0 : 1);
  const isClassifier =
    rowShape !== null && only?.datatype === 'FP32' && scores !== undefined && others === 0;
  return {
    ...{ inputs, outputs, rowShape, isClassifier, joins: false },
    ...{ label: label?.name ?? null, scores: scores?.name ?? null },
  };
}

type Body = Pick<RestReply, 'headers' | 'body'>;

function bodyOf(inputs: readonly WireTensor[], binary: boolean): Body {
  const wish = binary ? { parameters: { binary_data_output: true } } : {};
  return withTensors(wish, 'inputs', inputs, () => binary);
}

function tensorsOf(
  outputs: z.infer<typeof answerSchema>['outputs'],
  tail: Uint8Array,
): Record<string, Tensors[string]> {
  const found: Record<string, Tensors[string]> = {};
  let at = 0;
  for (const { name, datatype, shape, data, parameters } of outputs) {
    const place = { name, datatype, count: elementCount(shape) };
    const size = parameters?.binary_data_size;
    const own = size === undefined ? null : tail.subarray(at, at + size);
    at += size ?? 0;
    try {
      const elements = own === null ? elementsOfList(data, place) : elementsOfBytes(own, place);
      found[name] = { type: typeOf(datatype), shape, data: elements };
    } catch (cause) {
      throw notSound(name, cause);
    }
  }
  return found;
}

/** One request; throws `unavailable` when nobody answers, `bad-request` for a refusal. */
async function exchange(of: {
  readonly agent: Agent;
  readonly url: URL;
  readonly method: string;
  readonly body?: Body;
}): Promise<InferBody> {
  const { status, headers, bytes } = await sent(of);
  const header: HeaderOf = (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  const found = await inferBody(bytes, header).catch((cause: unknown) => {
    throw new PlatformError('unavailable', `${of.url.host} answered no JSON (${status})`, {
      hint: 'is it a server of the Open Inference Protocol?',
      cause,
    });
  });
  if (status === 200) return found;
  const { error } = (found.json ?? {}) as { readonly error?: unknown };
  const reason = String(error ?? 'no reason').slice(0, 200);
  const why = `the server behind refused (${status}): ${reason}`;
  throw new PlatformError(status >= 500 ? 'unavailable' : 'bad-request', why, {
    hint: 'its log tells more',
  });
}

interface Sent {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: Buffer;
}

function sent({ agent, url, method, body }: Parameters<typeof exchange>[0]): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const gone = (cause: unknown): void =>
      reject(
        new PlatformError('unavailable', `${url.host} does not answer: ${messageOf(cause)}`, {
          hint: 'is the server behind up?',
          cause,
        }),
      );
    const headers = { ...body?.headers, ...(body && { 'content-length': body.body.length }) };
    const outgoing = ask(url, { agent, method, headers, timeout: timeoutMs }, (incoming) => {
      const parts: Buffer[] = [];
      let length = 0;
      incoming.on('data', (part: Buffer) => {
        length += part.length;
        if (length > bytesMax) outgoing.destroy(new Error('its answer is too large'));
        parts.push(part);
      });
      incoming.once('error', gone);
      incoming.once('end', () => {
        const { statusCode: status = 0 } = incoming;
        resolve({ status, headers: incoming.headers, bytes: Buffer.concat(parts, length) });
      });
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('it takes too long')));
    outgoing.once('error', gone);
    outgoing.end(body?.body);
  });
}

function checked<T>(schema: z.ZodType<T>, json: unknown, whose: string): T {
  const { data, error } = schema.safeParse(json);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  const where = issue?.path.join('.') ?? '';
  throw new PlatformError('bad-request', `${whose} tells no sound "${where}"`, {
    hint: 'Merlon needs the names, types and shapes of inputs and outputs',
  });
}

function notSound(name: string, cause?: unknown): PlatformError {
  return new PlatformError('internal', `the server behind gave no sound "${name}"`, { cause });
}
