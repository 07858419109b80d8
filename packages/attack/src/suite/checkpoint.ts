/**
 * What a test remembers after each attack, as plain data: given back, the attacks that are
 * finished are not repeated, and the verdict is the one that an undisturbed test would have given.
 */
import { canonicalJson, digestOf, type Json } from '@merlon/core';
import { AttackError } from '../error.ts';
import type { Example } from '../example.ts';
import type { AttackRecord } from '../verdict.ts';

/** One finished attack. */
export interface FinishedAttack {
  readonly record: AttackRecord;
  /** Positions of the broken samples among those right when clean. */
  readonly broken: readonly number[];
  /** For each sample right when clean: how far the adversarial input is; null where none is. */
  readonly distances: readonly (number | null)[];
  readonly remarks: readonly string[];
  readonly examples: readonly PlainExample[];
}

/** An example with its numbers as a list. */
export type PlainExample = Omit<Example, 'clean' | 'adversarial' | 'difference'> & {
  readonly clean: readonly number[];
  readonly adversarial: readonly number[];
};

/** The state of a test between two attacks; survives JSON. */
export interface AttackCheckpoint {
  /** Digest of everything that the test depends on. */
  readonly test: string;
  readonly finished: readonly FinishedAttack[];
}

/** The digest by which a checkpoint knows its test. */
export function testDigest(facts: Json, x: Float32Array, labels: Int32Array): string {
  const bytes = (of: Float32Array | Int32Array): Uint8Array =>
    new Uint8Array(of.buffer, of.byteOffset, of.byteLength);
  const parts = [digestOf(bytes(x)), digestOf(bytes(labels))];
  return digestOf(new TextEncoder().encode(canonicalJson([facts, ...parts])));
}

/** The finished attacks of a checkpoint; throws `invalid-option` when it is of another test. */
export function resumed(
  checkpoint: AttackCheckpoint | undefined,
  test: string,
): readonly FinishedAttack[] {
  if (checkpoint === undefined) return [];
  if (checkpoint.test === test) return checkpoint.finished;
  const message = '"resume" expected a checkpoint of the same test, got one of another';
  throw new AttackError('invalid-option', message, {
    hint: 'Give the same model, data, seed and options, or begin anew without it.',
  });
}

/** An example as plain data. */
export function plainExample(example: Example): PlainExample {
  const { difference: _, clean, adversarial, ...facts } = example;
  return { ...facts, clean: [...clean], adversarial: [...adversarial] };
}

/** An example from plain data. */
export function exampleFrom(plain: PlainExample): Example {
  const clean = Float32Array.from(plain.clean);
  const adversarial = Float32Array.from(plain.adversarial);
  const difference = adversarial.map((value, i) => value - (clean[i] ?? 0));
  return { ...plain, clean, adversarial, difference };
}
