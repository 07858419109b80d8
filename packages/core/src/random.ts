/**
 * Random numbers as a dependency. `seeded` repeats exactly from its seed on every machine
 * (xoshiro128**, Blackman and Vigna 2018, seeded by splitmix32); `secureBytes` is for keys.
 */
import { randomFillSync } from 'node:crypto';
import type { Bytes } from './bytes.ts';

/** A repeatable source of randomness for attacks, training and sampling; never for keys. */
export interface Random {
  /** Uniform 32-bit unsigned integer. */
  uint32(): number;
  /** Uniform in [0, 1) with 32 bits. */
  uniform(): number;
  /** Uniform integer in [0, below). */
  integer(below: number): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
  /** A random order of 0 … length-1 (Fisher and Yates). */
  permutation(length: number): Uint32Array;
  /** An independent stream named by a text, so that adding one use does not shift another. */
  fork(name: string): Random;
}

/** A repeatable generator; equal seeds give equal streams. */
export function seeded(seed: number): Random {
  const state = stateOf(seed);
  const uint32 = (): number => nextXoshiro(state);
  const uniform = (): number => uint32() / 0x1_0000_0000;
  const integer = (below: number): number => Math.floor(uniform() * below);
  return {
    uint32,
    uniform,
    integer,
    normal: () => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
    permutation: (length) => {
      const order = Uint32Array.from({ length }, (_, i) => i);
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = order[i] ?? 0;
        order[i] = order[j] ?? 0;
        order[j] = held;
      }
      return order;
    },
    fork: (name) => seeded(hashName(seed, name)),
  };
}

/** Unpredictable bytes from the operating system. */
export function secureBytes(length: number): Bytes {
  return randomFillSync(new Uint8Array(length));
}

function stateOf(seed: number): Uint32Array {
  let s = seed >>> 0;
  // Seeds above 32 bits keep their high part, so 1 and 2^32+1 differ.
  s = (s ^ Math.imul(Math.floor(seed / 0x1_0000_0000) >>> 0, 0x9e3779b9)) >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    s = (s + 0x9e3779b9) >>> 0;
    let z = s;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  });
}

function nextXoshiro(state: Uint32Array): number {
  // By index: taking the array apart would make an iterator for every number.
  const a = state[0] ?? 0;
  const b = state[1] ?? 0;
  const c = state[2] ?? 0;
  const d = state[3] ?? 0;
  const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
  const shifted = b << 9;
  const c2 = c ^ a;
  const d2 = d ^ b;
  state[0] = a ^ d2;
  state[1] = b ^ c2;
  state[2] = c2 ^ shifted;
  state[3] = rotl(d2, 11);
  return result;
}

function rotl(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function hashName(seed: number, name: string): number {
  // FNV-1a, only to spread names over seeds.
  let hash = (0x811c9dc5 ^ (seed >>> 0)) >>> 0;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return hash;
}
