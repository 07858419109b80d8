/** What every attack that moves rows inside a ball asks of it, whatever the norm. */
import type { Random } from '@merlon/core';

/** The allowed region around rows of one size. */
export interface Ball {
  /** Moves every row of `x` to the nearest allowed point (L2: towards the clean row), in place. */
  project(x: Float32Array): void;
  /** Adds `length` times the steepest direction of the norm, in place; projects. */
  step(x: Float32Array, direction: Float32Array, length: number): void;
  /** A random allowed point for every row. */
  randomStart(random: Random): Float32Array;
}
