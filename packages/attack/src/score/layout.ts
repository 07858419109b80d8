/** What attacks by scores share: where pixels lie, and by how much a class leads. */
import type { Criterion } from '../threat.ts';

/** Axes of one row as an image, row-major. */
export interface ImageLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Images keep their axes; any other shape is one line. */
export function layoutOf(shape: readonly number[]): ImageLayout {
  const [channels = 1, height = 1, width = 1] = shape;
  if (shape.length === 3) return { channels, height, width };
  return { channels: 1, height: 1, width: shape.reduce((product, axis) => product * axis, 1) };
}

/** By how much the class that must not win leads; negative is success. */
export function marginOf(
  scores: Float32Array,
  criterion: Criterion,
  label: number,
  row: number,
): number {
  const wanted = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
  const held = wanted ?? label;
  let other = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < scores.length; k++) {
    if (k !== held) other = Math.max(other, scores[k] ?? 0);
  }
  const lead = (scores[held] ?? 0) - other;
  return wanted === undefined ? lead : -lead;
}
