/**
 * The set of inputs that a budget and bounds allow around each clean row. Edges are rounded
 * inwards to float32, so that a projected input never lies outside, not by one ulp.
 */
import { ceilFloat32, floorFloat32 } from '../batch.ts';
import type { Bounds, Budget } from '../threat.ts';
import type { Ball } from './region.ts';
import { l0Ball, l1Ball } from './sparse-ball.ts';

/** The region of radius `budget.epsilon` around the rows of `clean`, cut by the bounds. */
export function ball(clean: Float32Array, size: number, budget: Budget, bounds: Bounds): Ball {
  const { norm, epsilon } = budget;
  if (norm === 'linf') return linfBall(clean, epsilon, bounds);
  const inner = { min: ceilFloat32(bounds.min), max: floorFloat32(bounds.max) };
  if (norm === 'l2') return l2Ball(clean, size, epsilon, inner);
  return norm === 'l1' ? l1Ball(clean, size, epsilon, inner) : l0Ball(clean, size, epsilon, inner);
}

/** Infinity as the bits of a float32; what is greater is not a number. */
const infinity = 0x7f800000;

function linfBall(clean: Float32Array, epsilon: number, bounds: Bounds): Ball {
  const lower = new Float32Array(clean.length);
  const upper = new Float32Array(clean.length);
  for (let i = 0; i < clean.length; i++) {
    const center = clean[i] ?? 0;
    lower[i] = Math.min(center, ceilFloat32(Math.max(center - epsilon, bounds.min)));
    upper[i] = Math.max(center, floorFloat32(Math.min(center + epsilon, bounds.max)));
  }
  const edges = { lower, upper };
  const project = (x: Float32Array): void => {
    for (let i = 0; i < x.length; i++) {
      x[i] = Math.max(lower[i] ?? 0, Math.min(x[i] ?? 0, upper[i] ?? 0));
    }
  };
  return {
    project,
    step: (x, direction, length) => stepInside(x, direction, length, edges),
    randomStart: (random) => {
      const x = clean.map((value) => value + (2 * random.uniform() - 1) * epsilon);
      project(x);
      return x;
    },
  };
}

interface Edges {
  readonly lower: Float32Array;
  readonly upper: Float32Array;
}

function stepInside(
  x: Float32Array,
  direction: Float32Array,
  length: number,
  { lower, upper }: Edges,
): void {
  // The sign as the first bit: processors cannot guess it, and a wrong guess costs the most.
  const bits = new Int32Array(direction.buffer, direction.byteOffset, direction.length);
  for (let i = 0; i < x.length; i++) {
    const word = bits[i] ?? 0;
    const magnitude = word & 0x7fffffff;
    if (magnitude === 0 || magnitude > infinity) continue;
    const moved = (x[i] ?? 0) + (length + 2 * length * (word >> 31));
    x[i] = Math.max(lower[i] ?? 0, Math.min(moved, upper[i] ?? 0));
  }
}

function l2Ball(clean: Float32Array, size: number, epsilon: number, bounds: Bounds): Ball {
  const rows = clean.length / Math.max(1, size);
  const project = (x: Float32Array): void => {
    for (let row = 0; row < rows; row++) projectRow(x, clean, row * size, size, epsilon, bounds);
  };
  return {
    project,
    step: (x, direction, length) => {
      for (let row = 0; row < rows; row++) {
        const start = row * size;
        const norm = lengthOf(direction, start, size);
        if (!(norm > 0)) continue;
        for (let i = start; i < start + size; i++) {
          x[i] = (x[i] ?? 0) + (length / norm) * (direction[i] ?? 0);
        }
      }
      project(x);
    },
    randomStart: (random) => {
      const x = Float32Array.from(clean, () => random.normal());
      for (let row = 0; row < rows; row++) {
        const start = row * size;
        // Uniform in the ball: a uniform direction, and a radius whose d-th power is uniform.
        const radius = epsilon * random.uniform() ** (1 / size);
        const scale = radius / (lengthOf(x, start, size) || 1);
        for (let i = start; i < start + size; i++) {
          x[i] = (clean[i] ?? 0) + scale * (x[i] ?? 0);
        }
      }
      project(x);
      return x;
    },
  };
}

function projectRow(
  x: Float32Array,
  clean: Float32Array,
  start: number,
  size: number,
  epsilon: number,
  bounds: Bounds,
): void {
  // Cutting at the bounds first only shortens the change, since clean rows lie inside them.
  for (let i = start; i < start + size; i++) {
    x[i] = Math.min(Math.max(x[i] ?? 0, bounds.min), bounds.max);
  }
  let length = changeOf(x, clean, start, size);
  // Rounding to float32 can leave the change a hair too long; each pass shortens a little more.
  for (let shrink = 1; length > epsilon && shrink > 0; shrink -= shrink === 1 ? 1e-6 : 0.1) {
    const scale = (epsilon / length) * shrink;
    for (let i = start; i < start + size; i++) {
      const center = clean[i] ?? 0;
      x[i] = center + ((x[i] ?? 0) - center) * scale;
    }
    length = changeOf(x, clean, start, size);
  }
}

function changeOf(x: Float32Array, clean: Float32Array, start: number, size: number): number {
  let squares = 0;
  for (let i = start; i < start + size; i++) squares += ((x[i] ?? 0) - (clean[i] ?? 0)) ** 2;
  return Math.sqrt(squares);
}

function lengthOf(x: Float32Array, start: number, size: number): number {
  let squares = 0;
  for (let i = start; i < start + size; i++) squares += (x[i] ?? 0) ** 2;
  return Math.sqrt(squares);
}
