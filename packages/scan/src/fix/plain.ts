/**
 * What a pickle of weights holds, taken out without loading it: containers, texts and numbers as
 * they stand, tensors and arrays as places of their numbers. Nothing is imported or called: what
 * is neither plain nor a known way to write a tensor becomes an opaque object that is left out.
 */

/** A value of a pickle. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | Span
  | Sequence
  | Dict
  | Name
  | Storage
  | TensorValue
  | Opaque;

/** Bytes inside the pickle; `latin1` ones are written as UTF-8 text of characters below 256. */
export interface Span {
  readonly kind: 'span';
  readonly offset: number;
  readonly length: number;
  readonly latin1: boolean;
  /** The bytes themselves, where they are few. */
  readonly bytes?: Uint8Array;
}

/** A list, tuple or set. */
export interface Sequence {
  readonly kind: 'sequence';
  readonly items: Plain[];
}

/** A dictionary, ordered as it was written. */
export interface Dict {
  readonly kind: 'dict';
  readonly entries: [Plain, Plain][];
}

/** An imported name, not imported. */
export interface Name {
  readonly kind: 'name';
  readonly name: string;
}

/** Numbers that tensors share. */
export interface Storage {
  readonly kind: 'storage';
  /** Name of the class, which tells the type of an element. */
  readonly type: string;
  /** Elements, or bytes of an untyped one. */
  readonly count: number;
  /** Where the numbers are: a key of the file, or a span of the pickle. */
  readonly key: string | Span;
}

/** A view of a storage. */
export interface TensorValue {
  readonly kind: 'tensor';
  readonly storage: Storage;
  /** Type of an element: of PyTorch or NumPy. */
  readonly type: string;
  /** In elements. */
  readonly offset: number;
  readonly sizes: readonly number[];
  readonly strides: readonly number[];
  /** True when the bytes of an element stand the other way round. */
  readonly swapped: boolean;
}

/** An object that only its class could make. */
export interface Opaque {
  readonly kind: 'opaque';
  /** What would have been called. */
  readonly name: string;
  readonly offset: number;
  state: Plain;
}

/** A sequence of values. */
export function sequence(items: Plain[]): Sequence {
  return { kind: 'sequence', items };
}

/** The value as one of a kind, or null. */
export function as<K extends 'sequence' | 'dict' | 'name' | 'storage' | 'span' | 'opaque'>(
  value: Plain | undefined,
  kind: K,
): Extract<Plain, { kind: K }> | null {
  if (value === null || typeof value !== 'object' || value.kind !== kind) return null;
  return value as Extract<Plain, { kind: K }>;
}

/** Items that are all whole numbers that are not negative, or null. */
export function sizesOf(value: Plain | undefined): number[] | null {
  const items = as(value, 'sequence')?.items ?? [];
  const sizes = items.filter((item): item is number => Number.isSafeInteger(item));
  const whole = sizes.length === items.length && sizes.every((size) => size >= 0);
  return as(value, 'sequence') !== null && whole ? sizes : null;
}
