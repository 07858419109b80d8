/**
 * Page–Hinkley test (Page 1954; Hinkley 1971): tells when the mean of a stream has moved, from
 * the sum of deviations from the running mean. Defaults and forgetting as in river's detector.
 */

/** When a change is told. */
export interface PageHinkleyOptions {
  /** Values before a first judgement (default 30). */
  readonly valuesMin?: number;
  /** Change of the mean that is of no interest (default 0.005). */
  readonly tolerance?: number;
  /** Sum of deviations that counts as a change (default 50). */
  readonly threshold?: number;
  /** Weight of the past at each step (default 0.9999). */
  readonly forgetting?: number;
}

/** What the test remembers; plain data. */
export interface PageHinkleyState {
  readonly count: number;
  readonly mean: number;
  readonly rise: number;
  readonly fall: number;
  /** Least `rise` so far; null before any value. */
  readonly riseMin: number | null;
  /** Greatest `fall` so far. */
  readonly fallMax: number;
  readonly changed: boolean;
}

/** A running test. */
export interface PageHinkley {
  /** Takes one value; true at the step at which a change is told, after which it starts anew. */
  update(value: number): boolean;
  readonly state: PageHinkleyState;
}

const fresh: PageHinkleyState = {
  count: 0,
  mean: 0,
  rise: 0,
  fall: 0,
  riseMin: null,
  fallMax: -1,
  changed: false,
};

/** A test for changes up or down, from the start or from a saved state. Constant memory. */
export function pageHinkley(
  options: PageHinkleyOptions = {},
  saved: PageHinkleyState = fresh,
): PageHinkley {
  const { valuesMin = 30, tolerance = 0.005, threshold = 50, forgetting = 0.9999 } = options;
  let state = saved;
  return {
    update: (value) => {
      const before = state.changed ? fresh : state;
      const count = before.count + 1;
      const mean = before.mean + (value - before.mean) / count;
      const rise = forgetting * before.rise + (value - mean) - tolerance;
      const fall = forgetting * before.fall + (value - mean) + tolerance;
      const riseMin = Math.min(before.riseMin ?? rise, rise);
      const fallMax = Math.max(before.fallMax, fall);
      const far = rise - riseMin > threshold || fallMax - fall > threshold;
      const changed = count >= valuesMin && far;
      state = { count, mean, rise, fall, riseMin, fallMax, changed };
      return changed;
    },
    get state() {
      return state;
    },
  };
}
