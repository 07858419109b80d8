/**
 * GeoDA (Rahmati, Moosavi-Dezfooli, Frossard and Dai 2020): takes the boundary for a plane near the
 * clean row, estimates its normal from answers around a point on it, and goes straight along the
 * normal to the boundary. Queries are shared so that later, nearer planes get more.
 */
import type { Batch } from '../batch.ts';
import type { Classifier } from '../model/classifier.ts';
import { clip, randomDirection, type Walk, type WalkOptions, walkRows } from './walk.ts';

/** Share of queries that each round has less than the next (lambda). */
const growth = 0.6;
const rounds = 8;
const spread = 0.02;
const doublingsMax = 14;

/** One candidate for each row: the nearest point of another class that was met, or the row. */
export function geoda(
  model: Classifier,
  batch: Batch,
  options: WalkOptions,
): Promise<Float32Array> {
  return walkRows(model, batch, options, walk);
}

async function walk(own: Walk): Promise<Float32Array> {
  const { edge, clean, start, random, norm, away, goesOn, bounds } = own;
  let at = start;
  let best = start;
  const weights = Array.from({ length: rounds }, (_, t) => growth ** (rounds - 1 - t));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const whole = edge.left;
  const normal = new Float64Array(clean.length);
  for (let t = 0; goesOn(best); t++) {
    const share = (0.8 * whole * (weights[Math.min(t, rounds - 1)] ?? 0)) / sum;
    const count = Math.min(Math.max(10, Math.round(share)), edge.left);
    const reach = Math.max(spread * away(at), 1e-4 * (bounds.max - bounds.min));
    const drawn = Array.from({ length: count }, () => randomDirection(clean.length, random));
    const scale = reach * (norm === 'linf' ? Math.sqrt(clean.length) : 1);
    const answers = await edge.ask(
      drawn.map((direction) =>
        at.map((value, i) => clip(value + scale * (direction[i] ?? 0), bounds)),
      ),
    );
    const mean = answers.reduce((total, answer) => total + (answer ? 1 : -1), 0) / count;
    if (Math.abs(mean) < 1) {
      drawn.forEach((direction, k) => {
        const weight = (answers[k] ? 1 : -1) - mean;
        for (let i = 0; i < normal.length; i++) {
          normal[i] = (normal[i] ?? 0) + weight * (direction[i] ?? 0);
        }
      });
    }
    const found = await along(own, normal, away(best));
    if (found === undefined) {
      // The plane was wrong: look again, from the best point and without what was believed.
      normal.fill(0);
      at = best;
      continue;
    }
    at = found;
    if (away(at) < away(best)) best = at;
  }
  return best;
}

/** The point where a straight line along the normal crosses the boundary; undefined if nowhere. */
async function along(
  { edge, clean, norm, bounds }: Walk,
  normal: Float64Array,
  length: number,
): Promise<Float32Array | undefined> {
  const size = Math.sqrt(normal.reduce((total, value) => total + value * value, 0));
  if (!(size > 0)) return undefined;
  const point = (radius: number) =>
    clean.map((value, i) => {
      const slope = norm === 'linf' ? Math.sign(normal[i] ?? 0) : (normal[i] ?? 0) / size;
      return clip(value + radius * slope, bounds);
    });
  let radius = length / 2;
  for (let k = 0; k < doublingsMax && edge.left > 0; k++) {
    const [answer] = await edge.ask([point(radius)]);
    if (answer) return edge.approach(point(radius));
    radius *= 1.5;
  }
  return undefined;
}
