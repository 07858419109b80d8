/**
 * Squares of the Square attack in L2 (algorithm 3), and in L1 as Croce and Hein 2021 (appendix B)
 * carry it over: the length of the change is taken from one window and given to another, as two
 * humps of opposite signs. In L1 humps are steeper, and changes are projected, not stretched.
 */
import type { Random } from '@merlon/core';
import { projectL1 } from '../gradient/sparse-ball.ts';
import type { Bounds } from '../threat.ts';
import type { ImageLayout } from './layout.ts';
import { type Painter, windowOf } from './square-linf.ts';

interface Place {
  readonly top: number;
  readonly left: number;
  readonly tall: number;
  readonly wide: number;
}

/** The norm in which lengths are measured: 1 or 2. */
type Power = 1 | 2;

/** Lengths in L1 stay this much within the budget, as in the original. */
const within = 1 - 1e-6;

/** Paints changes of length `epsilon` in L1 or L2, cut by the bounds. */
export function lpPainter(
  { norm, epsilon }: { readonly norm: 'l1' | 'l2'; readonly epsilon: number },
  bounds: Bounds,
  layout: ImageLayout,
): Painter {
  const power = norm === 'l1' ? 1 : 2;
  const { channels, height, width } = layout;
  const size = channels * height * width;
  const delta = new Float64Array(size);
  const hump = humps(power);
  const apply = (row: Float32Array, clean: Float32Array): void => {
    if (power === 1) {
      for (let i = 0; i < size; i++) row[i] = (clean[i] ?? 0) + (delta[i] ?? 0);
      projectL1(row, clean, { start: 0, size, epsilon: epsilon * within, bounds });
      return;
    }
    const scale = epsilon / (lengthOf(delta, power) + 1e-12);
    for (let i = 0; i < size; i++) {
      const moved = (clean[i] ?? 0) + scale * (delta[i] ?? 0);
      row[i] = Math.min(Math.max(moved, bounds.min), bounds.max);
    }
  };
  return {
    begin: (row, clean, random) => {
      delta.fill(0);
      for (const place of tiles(layout)) {
        const shape = hump(place.tall, place.wide, random.uniform() > 0.5);
        for (let channel = 0; channel < channels; channel++) {
          const sign = random.uniform() < 0.5 ? -1 : 1;
          eachOf(layout, channel, place, (at, k) => {
            delta[at] = sign * (shape[k] ?? 0);
          });
        }
      }
      apply(row, clean);
    },
    paint: (row, clean, random, share) => {
      for (let i = 0; i < size; i++) delta[i] = (row[i] ?? 0) - (clean[i] ?? 0);
      // Length that is free: what both windows hold, and what clipping left unused.
      const unused = Math.max(epsilon ** power - lengthOf(delta, power) ** power, 0) / channels;
      const sides = oddWindow(layout, share);
      const to = placed(sides, layout, random);
      const from = placed(sides, layout, random);
      const shape = hump(to.tall, to.wide, random.uniform() > 0.5);
      const lengths = channelsOf(layout).map((channel) => {
        const free = unused + heldBy(delta, { layout, channel, power }, to, from);
        return power === 1 ? free * channels : Math.sqrt(free);
      });
      const fresh = channelsOf(layout).map((channel) => {
        const sign = random.uniform() < 0.5 ? -1 : 1;
        return freshHump(delta, { layout, channel, power, place: to, shape, sign });
      });
      for (const channel of channelsOf(layout)) {
        eachOf(layout, channel, from, (at) => {
          delta[at] = 0;
        });
        eachOf(layout, channel, to, (at, k) => {
          delta[at] = (fresh[channel]?.[k] ?? 0) * (lengths[channel] ?? 0);
        });
      }
      apply(row, clean);
    },
  };
}

function lengthOf(values: Float64Array, power: Power): number {
  let sum = 0;
  for (const value of values) sum += power === 1 ? Math.abs(value) : value * value;
  return power === 1 ? sum : Math.sqrt(sum);
}

function channelsOf({ channels }: ImageLayout): number[] {
  return Array.from({ length: channels }, (_, i) => i);
}

interface Channel {
  readonly layout: ImageLayout;
  readonly channel: number;
  readonly power: Power;
}

/** The old change of a window, of length one, plus a hump; of length one again. */
function freshHump(
  delta: Float64Array,
  of: Channel & { readonly place: Place; readonly shape: Float64Array; readonly sign: number },
): Float64Array {
  const old = new Float64Array(of.shape.length);
  eachOf(of.layout, of.channel, of.place, (at, k) => {
    old[k] = delta[at] ?? 0;
  });
  const length = 1e-12 + lengthOf(old, of.power);
  const values = old.map((value, k) => of.sign * (of.shape[k] ?? 0) + value / length);
  const whole = 1e-12 + lengthOf(values, of.power);
  return values.map((value) => value / whole);
}

/** Length, to its power, of a channel's change in either window. */
function heldBy(delta: Float64Array, { layout, channel, power }: Channel, a: Place, b: Place) {
  let held = 0;
  const add = (at: number): void => {
    held += Math.abs(delta[at] ?? 0) ** power;
  };
  eachOf(layout, channel, a, add);
  eachOf(layout, channel, b, (at, _, line, column) => {
    const both =
      line >= a.top && line < a.top + a.tall && column >= a.left && column < a.left + a.wide;
    if (!both) add(at);
  });
  return held;
}

function eachOf(
  { height, width }: ImageLayout,
  channel: number,
  { top, left, tall, wide }: Place,
  visit: (at: number, k: number, line: number, column: number) => void,
): void {
  let k = 0;
  for (let line = top; line < top + tall; line++) {
    for (let column = left; column < left + wide; column++) {
      visit((channel * height + line) * width + column, k++, line, column);
    }
  }
}

function placed(
  { tall, wide }: { readonly tall: number; readonly wide: number },
  { height, width }: ImageLayout,
  random: Random,
): Place {
  const top = random.integer(height - tall + 1);
  return { top, left: random.integer(width - wide + 1), tall, wide };
}

/** Windows have odd sides, three at least. */
function oddWindow(layout: ImageLayout, share: number): { tall: number; wide: number } {
  const { tall, wide } = windowOf(layout, share, 3);
  const odd = (side: number, most: number): number =>
    Math.min(side % 2 === 0 ? side + 1 : side, most);
  return {
    tall: layout.height === 1 ? 1 : odd(tall, layout.height),
    wide: odd(wide, layout.width),
  };
}

/** The image in tiles of a fifth of its height, as the search starts. */
function tiles({ height, width }: ImageLayout): Place[] {
  const line = height === 1;
  const side = Math.max(1, Math.floor((line ? width : height) / 5));
  const tall = line ? 1 : side;
  const places: Place[] = [];
  const inset = line ? 0 : Math.floor((height - side * 5) / 2);
  for (let top = inset; top + tall <= height; top += tall) {
    for (let left = line ? 0 : inset; left + side <= width; left += side) {
      places.push({ top, left, tall, wide: side });
    }
  }
  return places;
}

/** Two humps of opposite signs beside each other, of length one; remembered by their sides. */
function humps(power: Power): (tall: number, wide: number, turned: boolean) => Float64Array {
  const known = new Map<string, Float64Array>();
  return (tall, wide, turned) => {
    const key = `${tall} ${wide} ${turned}`;
    const found = known.get(key) ?? humpPair(power, { tall, wide }, turned && tall > 1);
    known.set(key, found);
    return found;
  };
}

interface Sides {
  readonly tall: number;
  readonly wide: number;
}

function humpPair(power: Power, { tall, wide }: Sides, turned: boolean): Float64Array {
  const across = turned || tall === 1;
  const [long, broad] = across ? [wide, tall] : [tall, wide];
  const first = Math.floor(long / 2);
  const upper = hump(power, { tall: first, wide: broad });
  const lower = hump(power, { tall: long - first, wide: broad });
  const values = new Float64Array(tall * wide);
  for (let i = 0; i < long; i++) {
    for (let j = 0; j < broad; j++) {
      values[across ? j * wide + i : i * wide + j] =
        i < first ? (upper[i * broad + j] ?? 0) : -(lower[(i - first) * broad + j] ?? 0);
    }
  }
  const length = lengthOf(values, power) || 1;
  return values.map((value) => value / length);
}

/** Nested rectangles, lower by the square of their number in L2, by its fourth power in L1. */
function hump(power: Power, { tall, wide }: Sides): Float64Array {
  const values = new Float64Array(tall * wide);
  const [middle, center] = [Math.floor(tall / 2) + 1, Math.floor(wide / 2) + 1];
  for (let k = 0; k < Math.max(middle, center); k++) {
    const [top, left] = [middle - 1 - k, center - 1 - k];
    const height = (k + 1) ** (power === 1 ? -4 : -2);
    for (let i = Math.max(top, 0); i < Math.min(top + 2 * k + 1, tall); i++) {
      for (let j = Math.max(left, 0); j < Math.min(left + 2 * k + 1, wide); j++) {
        values[i * wide + j] = (values[i * wide + j] ?? 0) + height;
      }
    }
  }
  const length = lengthOf(values, power) || 1;
  return values.map((value) => value / length);
}
