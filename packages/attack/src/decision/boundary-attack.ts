/**
 * The boundary attack (Brendel, Rauber and Bethge 2018): small random steps along the sphere around
 * the clean row, each followed by one towards it; what stays on the other side is kept. Both step
 * lengths follow the share of steps that succeed.
 */
import type { Batch } from '../batch.ts';
import type { Classifier } from '../model/classifier.ts';
import { clip, lengthOf, randomDirection, type Walk, type WalkOptions, walkRows } from './walk.ts';

const tries = 10;
const startStep = 0.1;
const adapt = 0.667;
const leastStep = 1e-7;

/** One candidate for each row: the nearest point of another class that was met, or the row. */
export function boundaryAttack(
  model: Classifier,
  batch: Batch,
  options: WalkOptions,
): Promise<Float32Array> {
  return walkRows(model, batch, options, walk);
}

async function walk({ edge, clean, start, random, bounds, away, goesOn }: Walk) {
  let best = start;
  let around = startStep;
  let towards = startStep;
  while (goesOn(best) && around > leastStep && towards > leastStep) {
    const radius = lengthOf(best.map((value, i) => value - (clean[i] ?? 0)));
    const from = best;
    const aside = Array.from({ length: tries }, () => {
      const direction = randomDirection(clean.length, random);
      const moved = from.map((value, i) => value + around * radius * (direction[i] ?? 0));
      const length = lengthOf(moved.map((value, i) => value - (clean[i] ?? 0))) || 1;
      // Back onto the sphere, so that the step goes around the clean row and not away from it.
      return moved.map((value, i) => {
        const own = clean[i] ?? 0;
        return clip(own + ((value - own) * radius) / length, bounds);
      });
    });
    const stays = await edge.ask(aside);
    const kept = aside.filter((_, i) => stays[i]);
    // Half of the steps along a flat boundary stay on their side (section 2.4).
    around *= kept.length / tries < 0.5 ? adapt : 1 / adapt;
    around = Math.min(around, 1);
    if (kept.length === 0) continue;
    const nearer = kept.map((point) =>
      point.map((value, i) => value + towards * ((clean[i] ?? 0) - value)),
    );
    const works = await edge.ask(nearer);
    const won = nearer.filter((_, i) => works[i]);
    towards *= won.length / kept.length < 0.25 ? adapt : 1 / adapt;
    towards = Math.min(towards, 0.9);
    for (const point of won) if (away(point) < away(best)) best = point;
  }
  return best;
}
