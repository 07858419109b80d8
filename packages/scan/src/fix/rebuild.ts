/** The calls by which PyTorch and NumPy write tensors, arrays and their storages. */
import { as, type Plain, type Storage, sizesOf, type TensorValue } from './plain.ts';

const dictionaries = new Set(['collections.OrderedDict', 'builtins.dict', '__builtin__.dict']);
const parameters = new Set([
  'torch._utils._rebuild_parameter',
  'torch._utils._rebuild_parameter_with_state',
]);
const tensorTypes = new Set([
  'torch.Tensor',
  'torch._tensor.Tensor',
  'torch.nn.parameter.Parameter',
]);
const reconstructors = new Set([
  'numpy.core.multiarray._reconstruct',
  'numpy._core.multiarray._reconstruct',
]);

const bufferReaders = new Set([
  'numpy.core.numeric._frombuffer',
  'numpy._core.numeric._frombuffer',
]);

/** What a call makes; null when it is none of those that write weights. */
export function called(name: string, args: readonly Plain[]): Plain | null {
  if (dictionaries.has(name)) return dictionaryOf(args[0]);
  if (name === 'torch.Size') return args[0] ?? null;
  if (parameters.has(name)) return tensorIn(args[0]);
  if (name === 'torch._utils._rebuild_tensor') return tensor(args, null);
  if (name === 'torch._utils._rebuild_tensor_v2') return tensor(args, null);
  if (name === 'torch._utils._rebuild_tensor_v3') return tensor(args, as(args[6], 'name')?.name);
  if (name === 'torch._tensor._rebuild_from_type_v2') return ofType(args);
  // An array is empty until its state is given; the type stands for it until then.
  if (reconstructors.has(name)) return { kind: 'name', name: 'numpy.ndarray' };
  if (name === 'numpy.dtype' && typeof args[0] === 'string') {
    return { kind: 'name', name: `numpy.dtype:${args[0]}` };
  }
  if (bufferReaders.has(name)) return ofBuffer(args);
  if (name === '_codecs.encode') return encoded(args);
  return null;
}

/** What giving a state to an object makes of it; null when that is not known. */
export function built(target: Plain, state: Plain): Plain | null {
  const name = as(target, 'name')?.name ?? '';
  const items = as(state, 'sequence')?.items ?? [];
  if (name.startsWith('numpy.dtype:')) {
    return items[1] === '>' ? { kind: 'name', name: `${name}:swapped` } : target;
  }
  if (name === 'numpy.ndarray') return arrayOf(items);
  // Hooks and gradients that PyTorch attaches to dictionaries and parameters play no part.
  if (as(target, 'dict') !== null || tensorIn(target) !== null) return target;
  return null;
}

/** The storage that a persistent identifier tells of; null when it tells of something else. */
export function persistent(id: Plain): Storage | null {
  const [tag, type, key, , count] = as(id, 'sequence')?.items ?? [];
  const name = as(type, 'name')?.name;
  if (tag !== 'storage' || name === undefined || typeof count !== 'number') return null;
  if (typeof key !== 'string') return null;
  return { kind: 'storage', type: name, key, count };
}

/** The value as a tensor, or null. */
export function tensorIn(value: Plain | undefined): TensorValue | null {
  return value !== null && typeof value === 'object' && value.kind === 'tensor' ? value : null;
}

function dictionaryOf(given: Plain | undefined): Plain {
  const pairs = as(given, 'sequence')?.items ?? [];
  const entries = pairs.map((pair): [Plain, Plain] => {
    const [key = null, value = null] = as(pair, 'sequence')?.items ?? [];
    return [key, value];
  });
  return { kind: 'dict', entries: [...(as(given, 'dict')?.entries ?? []), ...entries] };
}

function tensor(args: readonly Plain[], type: string | null | undefined): TensorValue | null {
  const [given, offset, sizes, strides] = args;
  const storage = as(given, 'storage');
  const [shape, steps] = [sizesOf(sizes), sizesOf(strides)];
  if (storage === null || typeof offset !== 'number' || shape === null || steps === null) {
    return null;
  }
  if (shape.length !== steps.length) return null;
  return {
    ...{ kind: 'tensor', storage, offset, sizes: shape, strides: steps, swapped: false },
    type: type ?? storage.type,
  };
}

/** Tensors of a class of their own are written as (function, class, arguments, state). */
function ofType([how, type, args]: readonly Plain[]): Plain | null {
  const [name, own] = [as(how, 'name')?.name, as(type, 'name')?.name];
  if (name === undefined || own === undefined || !tensorTypes.has(own)) return null;
  return called(name, as(args, 'sequence')?.items ?? []);
}

/** Protocols before 3 have no bytes: text of characters below 256 stands for them. */
function encoded([text, how]: readonly Plain[]): Plain | null {
  if (how !== 'latin1' && how !== 'latin-1') return null;
  if (as(text, 'span') !== null) return text ?? null;
  if (typeof text !== 'string') return null;
  const bytes = Uint8Array.from(text, (one) => one.charCodeAt(0));
  return { kind: 'span', offset: 0, length: bytes.length, latin1: false, bytes };
}

/** An array of protocol 5: (numbers, type, shape, order). */
function ofBuffer([
  numbers = null,
  type = null,
  shape = null,
  order,
]: readonly Plain[]): Plain | null {
  return arrayOf([null, shape, type, order === 'F', numbers]);
}

/** State of an array: (version, shape, type, Fortran order, numbers). */
function arrayOf([, shape, dtype, fortran, numbers]: readonly Plain[]): Plain | null {
  const sizes = sizesOf(shape);
  const [, type = '', order] = (as(dtype, 'name')?.name ?? '').split(':');
  const span = as(numbers, 'span');
  if (sizes === null || span === null || type === '') return null;
  const strides = stridesOf(sizes, fortran === true);
  const count = sizes.reduce((product, size) => product * size, 1);
  const storage: Storage = { kind: 'storage', type: `numpy.${type}`, key: span, count };
  const swapped = order === 'swapped';
  return { kind: 'tensor', storage, type: storage.type, offset: 0, sizes, strides, swapped };
}

/** Steps in elements of an array without gaps. */
export function stridesOf(sizes: readonly number[], fortran = false): number[] {
  const strides = sizes.map(() => 1);
  let step = 1;
  const axes = fortran ? [...sizes.keys()] : [...sizes.keys()].reverse();
  for (const axis of axes) {
    strides[axis] = step;
    step *= sizes[axis] ?? 1;
  }
  return strides;
}
