/**
 * A request for a model, from whichever transport: names, data types, shapes and elements are
 * checked here, and before the model is asked so are the outputs that are wanted.
 */
import { elementCount, type TensorData } from '@merlon/graph';
import type { LoadedModel, Port } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import type { Question } from '../serve/ask.ts';
import { datatypes, type WireTensor } from './datatypes.ts';
import { badTensor, type Place } from './elements.ts';

/** A tensor as it came, before anything in it is believed. */
export interface GivenTensor {
  readonly name: unknown;
  readonly datatype: unknown;
  readonly shape: unknown;
  /** Its elements, when everything else about it is right. */
  elements(place: Place): TensorData;
}

/** An output that is asked for. */
export interface Wanted {
  readonly name: string;
  /** Whether it is wanted as bytes; undefined leaves it to the request. */
  readonly binary?: boolean;
}

/** A request after every check that needs no model. */
export interface InferRequest extends Question {
  readonly id: string | undefined;
  /** Null wants all outputs. */
  readonly wanted: readonly Wanted[] | null;
}

/** What a transport has read. */
export interface GivenRequest {
  readonly id: unknown;
  readonly inputs: readonly GivenTensor[];
  readonly wanted: readonly { readonly name: unknown; readonly binary?: boolean | undefined }[];
}

const rowsMax = 4096;
const idLengthMax = 256;
const elementsMax = 1 << 26;
const outputsMax = 1024;

/** What would change the meaning of an answer, and is not done here. */
const notOffered = [
  'shared_memory_region',
  'classification',
  'sequence_id',
  'sequence_start',
  'sequence_end',
];

/** Throws `bad-request` for a parameter that would be disregarded, and must not be. */
export function requireOffered(parameters: Readonly<Record<string, unknown>>, whose: string): void {
  const strange = notOffered.find((name) => Boolean(parameters[name]));
  if (strange === undefined) return;
  throw badTensor(`the parameter "${strange}" of ${whose} is not offered`);
}

/** Throws `bad-request`, `too-large` or `input-refused` with one sentence. */
export function requestFor(model: LoadedModel, given: GivenRequest): InferRequest {
  const { id } = given;
  if (id !== undefined && (typeof id !== 'string' || id.length > idLengthMax)) {
    throw badTensor(`"id" expected a text of at most ${idLengthMax} characters`);
  }
  const wanted = wantedFor(model, given.wanted);
  const named = byName(model, given.inputs);
  const inputs = model.inputs.map((port): WireTensor => {
    const tensor = named.get(port.name);
    if (tensor === undefined) throw missing(model, given.inputs);
    return tensorFor(model, port, tensor);
  });
  const rows = Math.max(1, ...inputs.map(({ shape }) => shape[0] ?? 1));
  const [only] = inputs;
  const x = model.rowShape === null || only === undefined ? null : floats(only.data);
  return { id, rows, x, inputs, wanted };
}

function byName(model: LoadedModel, inputs: readonly GivenTensor[]): Map<string, GivenTensor> {
  const found = new Map<string, GivenTensor>();
  for (const tensor of inputs) {
    const { name } = tensor;
    const port = model.inputs.find((each) => each.name === name);
    if (port === undefined) throw missing(model, inputs);
    if (found.has(port.name))
      throw badTensor(`"inputs" expected "${port.name}" once, got it twice`);
    found.set(port.name, tensor);
  }
  return found;
}

function missing(model: LoadedModel, inputs: readonly GivenTensor[]): PlatformError {
  const quoted = (names: readonly unknown[]) =>
    names
      .slice(0, 8)
      .map((name) => `"${String(name).slice(0, 40)}"`)
      .join(', ');
  const own = quoted(model.inputs.map(({ name }) => name));
  const wanted = model.inputs.length === 1 ? `one tensor ${own}` : `the tensors ${own}`;
  const got = inputs.length === 0 ? 'none' : quoted(inputs.map(({ name }) => name));
  return badTensor(`"inputs" expected ${wanted}, got ${got}`);
}

function tensorFor(model: LoadedModel, port: Port, tensor: GivenTensor): WireTensor {
  const { name } = port;
  const datatype = datatypes.find((each) => each === tensor.datatype);
  // Rows of a classifier are numbers whatever their type; other models get what they declare.
  const fits = model.isClassifier
    ? datatype !== undefined && datatype !== 'BYTES'
    : datatype === port.datatype;
  if (datatype === undefined || !fits) {
    const wanted = model.isClassifier ? 'a type of numbers' : port.datatype;
    const got = String(tensor.datatype).slice(0, 20);
    throw badTensor(`the datatype of "${name}" expected ${wanted}, got "${got}"`);
  }
  const shape = shapeFor(port, tensor.shape);
  const count = elementCount(shape);
  if (count > elementsMax) {
    throw new PlatformError('too-large', `"${name}" expected at most ${elementsMax} elements`);
  }
  const data = tensor.elements({ name, datatype, count });
  return asDeclared(port, { name, datatype, shape, data });
}

function shapeFor({ name, shape: own }: Port, given: unknown): readonly number[] {
  const isShape = Array.isArray(given) && given.every((n) => Number.isSafeInteger(n) && n > 0);
  const shape: readonly number[] = isShape ? given : [];
  const fits = own.every((axis, i) => (axis < 0 ? true : axis === shape[i]));
  const tooMany = (own[0] ?? 0) < 0 && (shape[0] ?? 0) > rowsMax;
  if (isShape && fits && shape.length === own.length && !tooMany) return shape;
  const axes = own.map((axis, i) => (axis >= 0 ? axis : i === 0 ? 'N' : '?'));
  const rows = (own[0] ?? 0) < 0 ? ` with N from 1 to ${rowsMax}` : '';
  const got = (JSON.stringify(given) ?? 'none').slice(0, 80);
  throw badTensor(`the shape of "${name}" expected [${axes.join(', ')}]${rows}, got ${got}`);
}

/** Numbers of another type than the input's, as numbers of its type. */
function asDeclared({ datatype, name }: Port, tensor: WireTensor): WireTensor {
  if (tensor.datatype === datatype) return tensor;
  const data = floats(tensor.data);
  const lost = data?.findIndex((value) => !Number.isFinite(value)) ?? -1;
  if (data === null || lost >= 0) {
    throw new PlatformError('input-refused', `"${name}" element ${lost} is not a finite number`, {
      hint: 'send numbers of the type that the model takes',
    });
  }
  return { ...tensor, datatype, data };
}

function floats(data: TensorData): Float32Array | null {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Float32Array.from(data, Number);
  }
  return Array.isArray(data) ? null : Float32Array.from(data as ArrayLike<number>);
}

function wantedFor(model: LoadedModel, wanted: GivenRequest['wanted']): readonly Wanted[] | null {
  if (wanted.length === 0) return null;
  const names = model.outputs.map(({ name }) => name);
  const seen = new Set<string>();
  if (wanted.length > outputsMax) throw badTensor(`"outputs" expected at most ${outputsMax}`);
  return wanted.map(({ name, binary }) => {
    const known = names.find((each) => each === name);
    if (known === undefined) {
      const own = names.map((each) => `"${each}"`).join(', ');
      throw badTensor(`"outputs" expected ${own}, got "${String(name).slice(0, 40)}"`);
    }
    if (seen.has(known)) throw badTensor(`"outputs" expected "${known}" once, got it twice`);
    seen.add(known);
    return { name: known, ...(binary === undefined ? {} : { binary }) };
  });
}
