/** Squares of the Square attack in L∞: each channel of a window moves to one edge of the ball. */
import type { Random } from '@merlon/core';
import { ceilFloat32, floorFloat32 } from '../batch.ts';
import type { Bounds } from '../threat.ts';
import type { ImageLayout } from './layout.ts';

/** Draws changes onto one row, in place. */
export interface Painter {
  /** The start of the search, onto the clean row. */
  begin(row: Float32Array, clean: Float32Array, random: Random): void;
  /** One random window that covers a share of the image. */
  paint(row: Float32Array, clean: Float32Array, random: Random, share: number): void;
}

/** Paints within `epsilon` of the clean row and inside the bounds. */
export function linfPainter(epsilon: number, bounds: Bounds, layout: ImageLayout): Painter {
  const { channels, height, width } = layout;
  const least = ceilFloat32(bounds.min);
  const most = floorFloat32(bounds.max);
  const edge = (center: number, up: boolean): number =>
    up
      ? Math.min(floorFloat32(center + epsilon), most)
      : Math.max(ceilFloat32(center - epsilon), least);
  return {
    begin: (row, clean, random) => {
      for (let channel = 0; channel < channels; channel++) {
        for (let column = 0; column < width; column++) {
          const up = random.uniform() < 0.5;
          for (let line = 0; line < height; line++) {
            const at = (channel * height + line) * width + column;
            row[at] = edge(clean[at] ?? 0, up);
          }
        }
      }
    },
    paint: (row, clean, random, share) => {
      const { tall, wide } = windowOf(layout, share, 1);
      const top = random.integer(height - tall + 1);
      const left = random.integer(width - wide + 1);
      for (let channel = 0; channel < channels; channel++) {
        const up = random.uniform() < 0.5;
        for (let line = top; line < top + tall; line++) {
          for (let column = left; column < left + wide; column++) {
            const at = (channel * height + line) * width + column;
            row[at] = edge(clean[at] ?? 0, up);
          }
        }
      }
    },
  };
}

/** Sides of the window that covers a share: a square, or a part of a line. */
export function windowOf(
  { height, width }: ImageLayout,
  share: number,
  sideMin: number,
): { tall: number; wide: number } {
  if (height === 1) {
    return { tall: 1, wide: Math.min(Math.max(sideMin, Math.round(share * width)), width) };
  }
  const side = Math.max(sideMin, Math.round(Math.sqrt(share * height * width)));
  return { tall: Math.min(side, height), wide: Math.min(side, width) };
}
