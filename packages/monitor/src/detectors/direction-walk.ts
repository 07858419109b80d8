/** The last queries of a client as a walk: updates between them and the angles of updates. */

/** What a walk remembers; plain data and typed arrays, oldest first. */
export interface Walk {
  readonly steps: Step[];
}

interface Step {
  readonly point: Float32Array;
  /** Update from the nearest earlier point; null for a first point. */
  readonly update: Float32Array | null;
  /** Number of the point that the update begins at. */
  readonly parent: number;
  readonly number: number;
}

const stepsMax = 48;

/** A walk that has not begun. */
export function walkFrom(): Walk {
  return { steps: [] };
}

/**
 * Adds a point and tells two cosines: of its update from the previous point with that one's, and
 * of its update from the nearest earlier point with the last update from or to that point. Null
 * where there is nothing to compare, such as for an exact repeat.
 */
export function cosinesOf(walk: Walk, point: Float32Array): [number | null, number | null] {
  const { steps } = walk;
  const last = steps.at(-1);
  const before = steps.at(-2);
  const consecutive =
    last === undefined || before === undefined
      ? null
      : cosine(minus(point, last.point), minus(last.point, before.point));
  const parent = nearest(steps, point);
  const update = parent === undefined ? null : minus(point, parent.point);
  const related = steps.findLast((step) => step.parent === parent?.number && step.update !== null);
  const other = related?.update ?? parent?.update ?? null;
  const provenance = update === null || other === null ? null : cosine(update, other);
  const number = (last?.number ?? -1) + 1;
  steps.push({ point, update, parent: parent?.number ?? -1, number });
  if (steps.length > stepsMax) steps.shift();
  return [consecutive, provenance];
}

function nearest(steps: readonly Step[], point: Float32Array): Step | undefined {
  let best: Step | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const step of steps) {
    let sum = 0;
    for (let i = 0; i < point.length && sum < least; i++) {
      sum += ((step.point[i] ?? 0) - (point[i] ?? 0)) ** 2;
    }
    if (sum < least) {
      least = sum;
      best = step;
    }
  }
  return best;
}

function minus(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value - (b[i] ?? 0));
}

function cosine(a: Float32Array, b: Float32Array): number | null {
  let inner = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    inner += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  const lengths = Math.sqrt(squaresA * squaresB);
  return lengths > 0 ? inner / lengths : null;
}
