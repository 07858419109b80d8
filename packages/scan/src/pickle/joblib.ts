/**
 * joblib writes the bytes of an array into the pickle stream, behind the object that describes it
 * (joblib/numpy_pickle.py, NumpyArrayWrapper). Its loader reads them there; so must we.
 */
import type { RawBytes } from './machine.ts';
import { type Container, textOf, type Value } from './value.ts';

/** What stands behind an array wrapper, or null for any other object. */
export function joblibArray(built: Value): RawBytes | null {
  if (built.kind !== 'call' || built.state?.kind !== 'dict') return null;
  const named = nameOf(built.callee) === 'joblib.numpy_pickle.NumpyArrayWrapper';
  const reconstructed = built.args.kind === 'tuple' ? nameOf(built.args.items[0]) : null;
  if (!named && reconstructed !== 'joblib.numpy_pickle.NumpyArrayWrapper') return null;
  const dtype = member(built.state, 'dtype');
  if (/^[<>|=]?O/.test(dtypeText(dtype) ?? '')) return { bytes: 0, padded: false, pickle: true };
  const itemBytes = itemBytesOf(dtype);
  const count = countOf(member(built.state, 'shape'));
  if (itemBytes === null || count === null) return null;
  const alignment = member(built.state, 'numpy_array_alignment_bytes');
  return { bytes: itemBytes * count, padded: alignment?.kind === 'integer', pickle: false };
}

function member(dict: Container, name: string): Value | undefined {
  const at = dict.items.findIndex((item, i) => i % 2 === 0 && textOf(item) === name);
  return at < 0 ? undefined : dict.items[at + 1];
}

function countOf(shape: Value | undefined): number | null {
  if (shape?.kind !== 'tuple' || shape.more) return null;
  let count = 1;
  for (const item of shape.items) {
    if (item.kind !== 'integer' || item.value < 0) return null;
    count *= item.value;
  }
  return Number.isSafeInteger(count) ? count : null;
}

/** The type as text, such as `f8`; byte order stands elsewhere. */
function dtypeText(dtype: Value | undefined): string | null {
  return dtype?.kind === 'call' && dtype.args.kind === 'tuple' ? textOf(dtype.args.items[0]) : null;
}

/** Bytes of an item, or null when they cannot be told. */
function itemBytesOf(dtype: Value | undefined): number | null {
  const text = dtypeText(dtype);
  const [, kind = '', size = ''] = /^[<>|=]?([bBiufcmMSUVa?])(\d*)$/.exec(text ?? '') ?? [];
  if (kind === '') return null;
  if (kind === '?') return 1;
  return kind === 'U' ? 4 * Number(size) : Number(size);
}

function nameOf(value: Value | undefined): string | null {
  return value?.kind === 'global' ? `${value.module}.${value.name}` : null;
}
