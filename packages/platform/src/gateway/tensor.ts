/** Input tensors of the Open Inference Protocol: checked for name, type, shape and count. */
import { isJsonObject, type JsonObject } from '@merlon/core';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import type { InferBody } from './wire.ts';

/** A request after every check that needs no model. */
export interface ParsedInfer {
  readonly id: string | undefined;
  readonly rows: number;
  readonly x: Float32Array;
}

const rowsMax = 4096;

/** Reads one element of each data type, and its bytes; all are little-endian. */
const readers: Readonly<
  Record<string, readonly [bytes: number, read: (view: DataView, at: number) => number]>
> = {
  BOOL: [1, (view, at) => (view.getUint8(at) === 0 ? 0 : 1)],
  FP16: [2, (view, at) => view.getFloat16(at, true)],
  FP32: [4, (view, at) => view.getFloat32(at, true)],
  FP64: [8, (view, at) => view.getFloat64(at, true)],
  INT8: [1, (view, at) => view.getInt8(at)],
  INT16: [2, (view, at) => view.getInt16(at, true)],
  INT32: [4, (view, at) => view.getInt32(at, true)],
  INT64: [8, (view, at) => Number(view.getBigInt64(at, true))],
  UINT8: [1, (view, at) => view.getUint8(at)],
  UINT16: [2, (view, at) => view.getUint16(at, true)],
  UINT32: [4, (view, at) => view.getUint32(at, true)],
  UINT64: [8, (view, at) => Number(view.getBigUint64(at, true))],
};

/** Reads a request for a model; throws `bad-request` or `input-refused` with one sentence. */
export function parseInfer({ json: body, tail }: InferBody, model: LoadedModel): ParsedInfer {
  if (!isJsonObject(body) || !Array.isArray(body.inputs)) {
    throw bad('"inputs" expected a list of tensors');
  }
  const { name, rowShape } = model.input;
  const inputs = body.inputs.filter(isJsonObject);
  const [tensor] = inputs;
  if (tensor === undefined || inputs.length !== 1 || tensor.name !== name) {
    throw bad(`"inputs" expected one tensor "${name}", got ${namesOf(inputs)}`);
  }
  const datatype = String(tensor.datatype);
  const reader = Object.hasOwn(readers, datatype) ? readers[datatype] : undefined;
  if (reader === undefined) {
    throw bad(`"datatype" expected a type of numbers, got "${datatype.slice(0, 20)}"`);
  }
  const { shape } = tensor;
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && Number(n) >= 0);
  const rows = isShape ? Number(shape[0] ?? 0) : 0;
  const wanted = `[N, ${rowShape.join(', ')}]`;
  if (!isShape || shape.slice(1).join() !== rowShape.join() || rows < 1 || rows > rowsMax) {
    const got = JSON.stringify(shape ?? null).slice(0, 80);
    throw bad(`"shape" expected ${wanted} with N from 1 to ${rowsMax}, got ${got}`);
  }
  const width = rowShape.reduce((product, size) => product * size, 1);
  const id = typeof body.id === 'string' ? body.id.slice(0, 128) : undefined;
  const size = binarySize(tensor);
  if (size === null) return { id, rows, x: elements(tensor.data, rows * width) };
  return { id, rows, x: binaryElements(tail, { size, reader, count: rows * width }) };
}

/** Bytes that the tensor has behind the JSON; null when it is in the JSON. */
function binarySize(tensor: JsonObject): number | null {
  const { parameters } = tensor;
  const size = isJsonObject(parameters) ? parameters.binary_data_size : undefined;
  return typeof size === 'number' ? size : null;
}

function binaryElements(
  tail: Uint8Array,
  of: {
    readonly size: number;
    readonly reader: readonly [number, (view: DataView, at: number) => number];
    readonly count: number;
  },
): Float32Array {
  const [bytes, read] = of.reader;
  if (of.size !== bytes * of.count || tail.length !== of.size) {
    const got = `got ${of.size} announced and ${tail.length} sent`;
    throw bad(`the tensor expected ${bytes * of.count} bytes behind the JSON, ${got}`);
  }
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const x = new Float32Array(of.count);
  for (let i = 0; i < x.length; i++) x[i] = finite(read(view, i * bytes), i);
  return x;
}

function finite(value: unknown, place: number): number {
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(Math.fround(number))) return number;
  throw new PlatformError('input-refused', `"data" element ${place} is not a finite number`, {
    hint: 'replace missing values before asking',
  });
}

/** The elements, flat or nested; anything that is not a finite number is refused by its place. */
function elements(data: unknown, count: number): Float32Array {
  if (!Array.isArray(data)) throw bad('"data" expected a list of numbers');
  const flat: unknown[] = Array.isArray(data[0]) ? data.flat(8) : data;
  if (flat.length !== count) throw bad(`"data" expected ${count} numbers, got ${flat.length}`);
  const x = new Float32Array(count);
  for (let i = 0; i < count; i++) x[i] = finite(flat[i], i);
  return x;
}

function namesOf(inputs: readonly { readonly name?: unknown }[]): string {
  const names = inputs.map(({ name }) => `"${String(name).slice(0, 40)}"`);
  return names.length === 0 ? 'none' : names.slice(0, 5).join(', ');
}

function bad(message: string): PlatformError {
  return new PlatformError('bad-request', message, {
    hint: 'GET /v2/models/{name} tells the name, type and shape of the input',
  });
}
