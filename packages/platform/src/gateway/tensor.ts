/** Tensors of the Open Inference Protocol in JSON: checked for name, type, shape and count. */
import { isJsonObject } from '@merlon/core';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';

/** A request after every check that needs no model. */
export interface ParsedInfer {
  readonly id: string | undefined;
  readonly rows: number;
  readonly x: Float32Array;
}

const rowsMax = 4096;
const numeric = /^(FP16|FP32|FP64|INT8|INT16|INT32|INT64|UINT8|UINT16|UINT32|UINT64)$/;

/** Reads a request for a model; throws `bad-request` or `input-refused` with one sentence. */
export function parseInfer(body: unknown, model: LoadedModel): ParsedInfer {
  if (!isJsonObject(body) || !Array.isArray(body.inputs)) {
    throw bad('"inputs" expected a list of tensors');
  }
  const { name, rowShape } = model.input;
  const inputs = body.inputs.filter(isJsonObject);
  const [tensor] = inputs;
  if (tensor === undefined || inputs.length !== 1 || tensor.name !== name) {
    throw bad(`"inputs" expected one tensor "${name}", got ${namesOf(inputs)}`);
  }
  if (typeof tensor.datatype !== 'string' || !numeric.test(tensor.datatype)) {
    throw bad(`"datatype" expected FP32, got "${String(tensor.datatype).slice(0, 20)}"`);
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
  return { id, rows, x: elements(tensor.data, rows * width) };
}

/** The elements, flat or nested; anything that is not a finite number is refused by its place. */
function elements(data: unknown, count: number): Float32Array {
  if (!Array.isArray(data)) throw bad('"data" expected a list of numbers');
  const flat: unknown[] = Array.isArray(data[0]) ? data.flat(8) : data;
  if (flat.length !== count) throw bad(`"data" expected ${count} numbers, got ${flat.length}`);
  const x = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = flat[i];
    const number = typeof value === 'boolean' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isFinite(Math.fround(number))) {
      throw new PlatformError('input-refused', `"data" element ${i} is not a finite number`, {
        hint: 'replace missing values before asking',
      });
    }
    x[i] = number;
  }
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
