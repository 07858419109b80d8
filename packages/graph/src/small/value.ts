/** Values of a small plan: buffers that are made once and filled at every run. */
import type { Attributes } from '../gradient/emitter.ts';
import type { OnnxNode } from '../onnx/model.ts';
import type { Arena } from './wasm.ts';

/** A value of a plan; `fixed` ones are the same at every run. */
export type Value = FloatValue | IntegerValue;

/** A float32 value. */
export interface FloatValue {
  readonly kind: 'floats';
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly fixed: boolean;
}

/** Whole numbers that float64 holds: labels, positions, sizes. */
export interface IntegerValue {
  readonly kind: 'integers';
  readonly shape: readonly number[];
  readonly data: Float64Array;
  readonly fixed: boolean;
}

/** A node's value, and how it is computed; null where it is a view of its input. */
export interface Step {
  readonly value: Value;
  readonly run: (() => void) | null;
  /** Multiplications and other operations of one run. */
  readonly cost: number;
}

/** What a kernel is made from. */
export interface Operands {
  readonly node: OnnxNode;
  readonly attributes: Attributes;
  /** Inputs in order; null where one is left out. */
  readonly inputs: readonly (Value | null)[];
  /** Where products by fixed weights are computed; null where they are not. */
  readonly arena: Arena | null;
}

/** Makes the step of a node; null when it does not take the node in this form. */
export type Kernel = (of: Operands) => Step | null;

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** A new float value that is computed at every run. */
export function floats(shape: readonly number[]): FloatValue {
  return { kind: 'floats', shape, data: new Float32Array(sizeOf(shape)), fixed: false };
}

/** The float value at a place; null when there is none. */
export function floatsAt({ inputs }: Operands, place: number): FloatValue | null {
  const value = inputs[place];
  return value?.kind === 'floats' ? value : null;
}

/** Whole numbers that are known before a run; null when they are computed or not there. */
export function knownAt({ inputs }: Operands, place: number): readonly number[] | null {
  const value = inputs[place];
  return value?.kind === 'integers' && value.fixed ? [...value.data] : null;
}

/** An attribute that is a whole number. */
export function integerOf({ attributes }: Operands, name: string, otherwise: number): number {
  const own = attributes[name];
  return own?.kind === 'int' ? own.value : otherwise;
}

/** An attribute that is a number. */
export function numberOf({ attributes }: Operands, name: string, otherwise: number): number {
  const own = attributes[name];
  return own?.kind === 'float' ? own.value : otherwise;
}

/** An axis counted from the front; null when it is out of range. */
export function axisIn(axis: number, rank: number): number | null {
  const from = axis < 0 ? axis + rank : axis;
  return from >= 0 && from < rank ? from : null;
}
