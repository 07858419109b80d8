/**
 * Squares of the Square attack in L2 (algorithm 3): the length of the change is taken from one
 * window and given to another, as two humps of opposite signs.
 */
import type { Random } from '@merlon/core';
import type { Bounds } from '../threat.ts';
import type { ImageLayout } from './layout.ts';
import { type Painter, windowOf } from './square-linf.ts';

interface Place {
  readonly top: number;
  readonly left: number;
  readonly tall: number;
  readonly wide: number;
}

/** Paints changes of length `epsilon`, cut by the bounds. */
export function l2Painter(epsilon: number, bounds: Bounds, layout: ImageLayout): Painter {
  const { channels, height, width } = layout;
  const delta = new Float64Array(channels * height * width);
  const hump = humps();
  const apply = (row: Float32Array, clean: Float32Array): void => {
    let squares = 0;
    for (const value of delta) squares += value * value;
    const scale = epsilon / (Math.sqrt(squares) + 1e-12);
    for (let i = 0; i < delta.length; i++) {
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
      let whole = 0;
      for (let i = 0; i < delta.length; i++) {
        delta[i] = (row[i] ?? 0) - (clean[i] ?? 0);
        whole += (delta[i] ?? 0) ** 2;
      }
      const sides = oddWindow(layout, share);
      const to = placed(sides, layout, random);
      const from = placed(sides, layout, random);
      // Length that is free: what both windows hold, and what clipping left unused.
      const unused = Math.max(epsilon ** 2 - whole, 0) / channels;
      const held = heldBy(delta, layout, to, from);
      const shape = hump(to.tall, to.wide, random.uniform() > 0.5);
      const fresh = channelsOf(layout).map((channel) =>
        freshHump(delta, {
          layout,
          channel,
          place: to,
          shape,
          sign: random.uniform() < 0.5 ? -1 : 1,
        }),
      );
      for (const channel of channelsOf(layout)) {
        eachOf(layout, channel, from, (at) => {
          delta[at] = 0;
        });
        const values = fresh[channel] ?? new Float64Array(0);
        const length = Math.sqrt(unused + held);
        eachOf(layout, channel, to, (at, k) => {
          delta[at] = (values[k] ?? 0) * length;
        });
      }
      apply(row, clean);
    },
  };
}

function channelsOf({ channels }: ImageLayout): number[] {
  return Array.from({ length: channels }, (_, i) => i);
}

/** The old change of a window, normalised, plus a hump; of length one. */
function freshHump(
  delta: Float64Array,
  of: {
    readonly layout: ImageLayout;
    readonly channel: number;
    readonly place: Place;
    readonly shape: Float64Array;
    readonly sign: number;
  },
): Float64Array {
  const values = new Float64Array(of.shape.length);
  let squares = 0;
  eachOf(of.layout, of.channel, of.place, (at) => {
    squares += (delta[at] ?? 0) ** 2;
  });
  const old = 1e-12 + Math.sqrt(squares);
  let own = 0;
  eachOf(of.layout, of.channel, of.place, (at, k) => {
    const value = of.sign * (of.shape[k] ?? 0) + (delta[at] ?? 0) / old;
    values[k] = value;
    own += value * value;
  });
  const length = 1e-12 + Math.sqrt(own);
  return values.map((value) => value / length);
}

/** Squared length of the change in either window, over all channels. */
function heldBy(delta: Float64Array, layout: ImageLayout, a: Place, b: Place): number {
  let held = 0;
  for (const channel of channelsOf(layout)) {
    eachOf(layout, channel, a, (at) => {
      held += (delta[at] ?? 0) ** 2;
    });
    eachOf(layout, channel, b, (at, _, line, column) => {
      const both =
        line >= a.top && line < a.top + a.tall && column >= a.left && column < a.left + a.wide;
      if (!both) held += (delta[at] ?? 0) ** 2;
    });
  }
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

/** Windows of the L2 form have odd sides, three at least. */
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
function humps(): (tall: number, wide: number, turned: boolean) => Float64Array {
  const known = new Map<string, Float64Array>();
  return (tall, wide, turned) => {
    const key = `${tall} ${wide} ${turned}`;
    const found = known.get(key) ?? humpPair(tall, wide, turned && tall > 1);
    known.set(key, found);
    return found;
  };
}

function humpPair(tall: number, wide: number, turned: boolean): Float64Array {
  const across = turned || tall === 1;
  const [long, broad] = across ? [wide, tall] : [tall, wide];
  const first = Math.floor(long / 2);
  const upper = hump(first, broad);
  const lower = hump(long - first, broad);
  const values = new Float64Array(tall * wide);
  let squares = 0;
  for (let i = 0; i < long; i++) {
    for (let j = 0; j < broad; j++) {
      const value =
        i < first ? (upper[i * broad + j] ?? 0) : -(lower[(i - first) * broad + j] ?? 0);
      values[across ? j * wide + i : i * wide + j] = value;
      squares += value * value;
    }
  }
  const length = Math.sqrt(squares) || 1;
  return values.map((value) => value / length);
}

/** Nested rectangles whose heights fall with the square of their number, of length one. */
function hump(tall: number, wide: number): Float64Array {
  const values = new Float64Array(tall * wide);
  const [middle, center] = [Math.floor(tall / 2) + 1, Math.floor(wide / 2) + 1];
  for (let k = 0; k < Math.max(middle, center); k++) {
    const [top, left] = [middle - 1 - k, center - 1 - k];
    for (let i = Math.max(top, 0); i < Math.min(top + 2 * k + 1, tall); i++) {
      for (let j = Math.max(left, 0); j < Math.min(left + 2 * k + 1, wide); j++) {
        values[i * wide + j] = (values[i * wide + j] ?? 0) + 1 / (k + 1) ** 2;
      }
    }
  }
  const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)) || 1;
  return values.map((value) => value / length);
}
