/**
 * Short images of rows that keep distances and angles: a sparse random projection with four signs
 * a feature (Kane and Nelson 2014). Rows that are short already are only scaled.
 */
import { seeded } from '@merlon/core';

/** How rows are shortened; plain data, equal settings give equal sketches. */
export interface SketchOptions {
  readonly features: number;
  /** Numbers a sketch; rows of no more features keep them all. */
  readonly dimensions: number;
  readonly seed: number;
  /** Factor on each feature beforehand, such as one over its deviation. */
  readonly scale?: Float32Array;
}

/** Shortens rows. */
export interface Sketch {
  readonly dimensions: number;
  /** The sketch of a row, new or in `into`; what is no number counts as 0. */
  of(row: Float32Array, into?: Float32Array): Float32Array;
}

const signsPerFeature = 4;

/** Cost of one sketch: four additions a feature. */
export function sketch(options: SketchOptions): Sketch {
  const { features, scale } = options;
  const factor = (feature: number): number => scale?.[feature] ?? 1;
  const clean = (value: number | undefined): number =>
    value !== undefined && Number.isFinite(value) ? value : 0;
  if (features <= options.dimensions) {
    return {
      dimensions: features,
      of: (row, into = new Float32Array(features)) => {
        for (let i = 0; i < features; i++) into[i] = clean(row[i]) * factor(i);
        return into;
      },
    };
  }
  const { dimensions } = options;
  const random = seeded(options.seed).fork('sketch');
  const places = Uint32Array.from({ length: features * signsPerFeature }, () =>
    random.integer(dimensions),
  );
  const weights = Float32Array.from({ length: places.length }, (_, i) => {
    const sign = random.uniform() < 0.5 ? -1 : 1;
    return (sign * factor(Math.floor(i / signsPerFeature))) / Math.sqrt(signsPerFeature);
  });
  return {
    dimensions,
    of: (row, into = new Float32Array(dimensions)) => {
      into.fill(0);
      for (let i = 0; i < features; i++) {
        const value = clean(row[i]);
        if (value === 0) continue;
        for (let k = i * signsPerFeature; k < (i + 1) * signsPerFeature; k++) {
          const at = places[k] ?? 0;
          into[at] = (into[at] ?? 0) + value * (weights[k] ?? 0);
        }
      }
      return into;
    },
  };
}

/** The sketches of rows that lie one after the other, at most `max` of them. */
export function sketchRows(
  by: Sketch,
  { x, features }: { readonly x: Float32Array; readonly features: number },
  max = Number.POSITIVE_INFINITY,
): Float32Array[] {
  return Array.from({ length: Math.min(max, x.length / features) }, (_, i) =>
    by.of(x.subarray(i * features, (i + 1) * features)),
  );
}

/** A number for the exact bits of a row, mixed with a secret: equal rows have equal numbers. */
export function rowDigest(row: Float32Array, salt: number): number {
  const words = new Uint32Array(row.buffer, row.byteOffset, row.length);
  let a = salt >>> 0;
  let b = ~a;
  for (const word of words) {
    a = Math.imul(a ^ word, 0x85ebca6b);
    a ^= a >>> 15;
    b = Math.imul(b + a, 0xc2b2ae35) ^ (b >>> 13);
  }
  return (a >>> 0) * 0x20_0000 + (b >>> 11);
}
