/** The boundary around one clean row: asking within a budget, and approaching by bisection. */
import type { Classifier } from '../model/classifier.ts';
import { oracle } from '../oracle.ts';
import { type Bounds, distance } from '../threat.ts';

/** The border between the clean class and success, seen from one clean row. */
export interface Boundary {
  /** Queries that are left. */
  readonly left: number;
  /** For each point whether it succeeds; those beyond the budget are not asked: false. */
  ask(points: readonly Float32Array[]): Promise<boolean[]>;
  /** The nearest of all points that succeeded when they were asked; undefined for none. */
  readonly nearest: Float32Array | undefined;
  /** The successful point nearest to the clean row on the way from a successful point to it. */
  approach(from: Float32Array): Promise<Float32Array>;
}

const bisectionsMax = 20;

/** The boundary of a model around a row. */
export function boundary(
  model: Classifier,
  clean: Float32Array,
  options: {
    readonly bounds: Bounds;
    readonly norm: 'linf' | 'l2';
    readonly queriesMax: number;
    readonly succeeds: (prediction: number) => boolean;
  },
): Boundary {
  const box = oracle(model, options.queriesMax, options.succeeds);
  const { norm } = options;
  let nearest: Float32Array | undefined;
  let least = Number.POSITIVE_INFINITY;
  const ask = async (points: readonly Float32Array[]): Promise<boolean[]> => {
    const answers = await box.ask(points);
    points.forEach((point, i) => {
      const away = answers[i] ? distance(norm, point, clean) : Number.POSITIVE_INFINITY;
      if (away < least) {
        least = away;
        nearest = point;
      }
    });
    return answers;
  };
  const between = (from: Float32Array, part: number, radius: number): Float32Array =>
    from.map((value, i) => {
      const own = clean[i] ?? 0;
      if (norm === 'l2') return own + part * (value - own);
      return Math.min(Math.max(value, own - part * radius), own + part * radius);
    });
  return {
    get left() {
      return box.left;
    },
    get nearest() {
      return nearest;
    },
    ask,
    approach: async (from) => {
      const radius = distance(norm, from, clean);
      let best = from;
      let low = 0;
      let high = 1;
      // In one per mille of the way, or as far as float32 and the budget go.
      for (let k = 0; k < bisectionsMax && high - low > 1e-3 && box.left > 0; k++) {
        const middle = (low + high) / 2;
        const point = between(from, middle, radius);
        const [answer] = await ask([point]);
        if (answer) {
          best = point;
          high = middle;
        } else {
          low = middle;
        }
      }
      return best;
    },
  };
}
