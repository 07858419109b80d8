/** Time as a dependency: engines never read the system clock themselves. */

/** Tells the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/** A clock for tests: stands still until it is moved. */
export interface ManualClock extends Clock {
  advance(byMs: number): void;
}

/** A clock that starts at the given time and only moves when told. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let now = startMs;
  return {
    nowMs: () => now,
    advance: (byMs) => {
      now += byMs;
    },
  };
}

/** RFC 3339 with milliseconds, in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
