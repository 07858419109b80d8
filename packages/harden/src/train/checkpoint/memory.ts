/**
 * What a run keeps between steps: named arrays that optimizers, averages and methods change in
 * place. Whoever needs an array asks the memory for it, and gets what was saved after a cut.
 */
import { HardenError } from '../../error.ts';

/** Arrays by name. */
export type Arrays = ReadonlyMap<string, Float32Array>;

/** The arrays and counts of a run; names are unique within it. */
export interface Memory {
  /** The saved array of a name, else a copy of `initial`; throws `bad-checkpoint` on length. */
  array(name: string, initial: Float32Array): Float32Array;
  /** The saved count of a name, else 0, as the one element of an array. */
  count(name: string): Float64Array;
  /** All that was asked for so far; shares memory. */
  readonly arrays: Arrays;
  readonly counts: ReadonlyMap<string, Float64Array>;
}

/** A memory, empty or as it was saved under `memory/`. */
export function memoryOf(saved: {
  readonly arrays: Arrays;
  readonly counts: ReadonlyMap<string, number>;
}): Memory {
  const arrays = new Map<string, Float32Array>();
  const counts = new Map<string, Float64Array>();
  return {
    arrays,
    counts,
    array: (name, initial) => {
      const known =
        arrays.get(name) ?? saved.arrays.get(`memory/${name}`)?.slice() ?? initial.slice();
      if (known.length !== initial.length) {
        const got = `expected ${initial.length} elements, got ${known.length}`;
        throw new HardenError('bad-checkpoint', `"${name}" ${got}`);
      }
      arrays.set(name, known);
      return known;
    },
    count: (name) => {
      const known = counts.get(name) ?? Float64Array.of(saved.counts.get(name) ?? 0);
      counts.set(name, known);
      return known;
    },
  };
}

/** A memory that begins empty. */
export const emptyMemory = (): Memory => memoryOf({ arrays: new Map(), counts: new Map() });
