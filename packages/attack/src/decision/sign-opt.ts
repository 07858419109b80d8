/**
 * Sign-OPT (Cheng, Singh, Chen, Chen, Liu and Hsieh 2020): minimises the distance to the boundary
 * along a direction. One query tells whether a nearby direction is shorter, and the mean of many
 * such signs is a gradient of the direction.
 */
import type { Batch } from '../batch.ts';
import type { Classifier } from '../model/classifier.ts';
import { clip, lengthOf, randomDirection, type Walk, type WalkOptions, walkRows } from './walk.ts';

const signs = 40;
const smallest = 1e-5;
const bisections = 12;
const searchesMax = 12;

/** One candidate for each row: the nearest point of another class that was met, or the row. */
export function signOpt(
  model: Classifier,
  batch: Batch,
  options: WalkOptions,
): Promise<Float32Array> {
  return walkRows(model, batch, options, walk);
}

async function walk(own: Walk): Promise<Float32Array> {
  const { clean, start, random, away, goesOn, edge } = own;
  let best = start;
  let theta = unit(start.map((value, i) => value - (clean[i] ?? 0)));
  let reach = lengthOf(start.map((value, i) => value - (clean[i] ?? 0)));
  let step = 0.2;
  let beta = 0.01;
  while (goesOn(best) && beta > smallest) {
    const drawn = Array.from({ length: Math.min(signs, edge.left) }, () =>
      randomDirection(clean.length, random),
    );
    const tilted = drawn.map((u) => unit(theta.map((value, i) => value + beta * (u[i] ?? 0))));
    const answers = await edge.ask(tilted.map((direction) => at(own, direction, reach)));
    const gradient = new Float32Array(clean.length);
    drawn.forEach((u, k) => {
      // Still on the other side at the same reach: this direction is shorter.
      const sign = answers[k] ? -1 : 1;
      for (let i = 0; i < gradient.length; i++) {
        gradient[i] = (gradient[i] ?? 0) + (sign * (u[i] ?? 0)) / drawn.length;
      }
    });
    const found = await search(own, theta, gradient, reach, step);
    if (found === undefined) {
      step /= 2;
      beta /= 2;
      continue;
    }
    theta = found.theta;
    reach = found.reach;
    step = Math.min(found.step * 1.5, 1);
    if (away(found.point) < away(best)) best = found.point;
  }
  return best;
}

/** The best of ever longer or shorter steps against the gradient, if one is shorter than now. */
async function search(
  own: Walk,
  theta: Float32Array,
  gradient: Float32Array,
  reach: number,
  first: number,
) {
  let best: { theta: Float32Array; reach: number; point: Float32Array; step: number } | undefined;
  let step = first;
  for (let k = 0; k < searchesMax && own.edge.left > 0; k++) {
    const direction = unit(theta.map((value, i) => value - step * (gradient[i] ?? 0)));
    const most = best?.reach ?? reach;
    const found = await distanceAlong(own, direction, most);
    if (found === undefined) {
      if (best !== undefined) return best;
      step /= 2;
    } else {
      best = { theta: direction, ...found, step };
      step *= 2;
    }
  }
  return best;
}

/** How far the boundary is along a direction, if nearer than `most`. */
async function distanceAlong(own: Walk, direction: Float32Array, most: number) {
  const limit = most * 0.9999;
  let point = at(own, direction, limit);
  if (!(await own.edge.ask([point]))[0]) return undefined;
  let low = 0;
  let high = limit;
  for (let k = 0; k < bisections && high - low > 1e-3 * high && own.edge.left > 0; k++) {
    const middle = (low + high) / 2;
    const tried = at(own, direction, middle);
    if ((await own.edge.ask([tried]))[0]) {
      point = tried;
      high = middle;
    } else low = middle;
  }
  return { reach: high, point };
}

function at({ clean, bounds }: Walk, direction: Float32Array, reach: number): Float32Array {
  return clean.map((value, i) => clip(value + reach * (direction[i] ?? 0), bounds));
}

function unit(x: Float32Array): Float32Array {
  const length = lengthOf(x) || 1;
  return x.map((value) => value / length);
}
