/**
 * What the neighbour detector knows of benign traffic of one model: how near the nearest of m
 * earlier rows of the same class lies, for m in powers of two, and how far rows lie from the
 * reference rows of their class. Learnt once from rows that no client's session shares.
 */
import { type Random, seeded } from '@merlon/core';
import { MonitorError } from '../error.ts';
import { Bank, type BankState, lengthOf, quantise, quantiseFactor } from './bank.ts';
import type { BenignRows } from './prada.ts';
import { type Sketch, type SketchOptions, sketch, sketchRows } from './sketch.ts';

/** How to learn a profile. */
export interface LearnNeighbourOptions {
  /** Decides projections and sessions; keep it from clients. */
  readonly seed: number;
  /** Numbers a sketch (default 64). */
  readonly dimensions?: number;
  /** Factor on each feature beforehand, such as one over its deviation. */
  readonly scale?: Float32Array;
  /** The rows as the model represents them, row-major; without it rows stand for themselves. */
  readonly representation?: { readonly x: Float32Array; readonly features: number };
}

/** Reference rows and benign figures of one class. */
export interface ClassReference {
  readonly label: number;
  readonly bank: BankState;
  /** Mean and deviation of the logarithm of benign distances. */
  readonly mean: number;
  readonly deviation: number;
}

/** A profile: plain data and typed arrays. */
export interface NeighbourProfile {
  readonly row: SketchOptions;
  readonly rowFactor: number;
  /** Sorted benign distances to the nearest same-class row, by `label:bucket`; `*` for all. */
  readonly nearest: Readonly<Record<string, Float32Array>>;
  readonly far: SketchOptions;
  readonly farFactor: number;
  /** True when `far` sketches the model's representation. */
  readonly represented: boolean;
  readonly references: readonly ClassReference[];
  /** Sorted standardised logarithms of benign distances to the reference. */
  readonly outlying: Float32Array;
}

/** Rows of a class that a client's bank keeps. */
export const rowsPerClassMax = 128;
/** Neighbour that outlying rows are measured by. */
export const farNeighbour = 5;
const referencePerClassMax = 128;
const sessions = [
  { rounds: 120, rows: 16 },
  { rounds: 24, rows: 2 * rowsPerClassMax },
] as const;
/** Figures below which a class borrows those of all classes. */
export const figuresMin = 40;

/**
 * Learns from benign rows, best of the model's own predictions; throws `bad-sample` for fewer
 * than 50. Cost: about a second for 6,000 rows of ten classes.
 */
export function learnNeighbour(rows: BenignRows, options: LearnNeighbourOptions): NeighbourProfile {
  const { seed, dimensions = 64, scale, representation } = options;
  if (rows.labels.length < 50) {
    const got = rows.labels.length;
    throw new MonitorError('bad-sample', `benign rows expected 50 or more, got ${got}`);
  }
  const row = { features: rows.features, dimensions, seed, ...(scale && { scale }) };
  const far =
    representation === undefined ? row : { features: representation.features, dimensions, seed };
  const near = sketches(sketch(row), rows.x, rows.features);
  const away =
    representation === undefined
      ? near
      : sketches(sketch(far), representation.x, representation.features);
  const members = byClass(rows.labels);
  const random = seeded(seed).fork('neighbour');
  return {
    row,
    rowFactor: near.factor,
    nearest: nearestFigures(members, near.rows, random),
    far,
    farFactor: away.factor,
    represented: representation !== undefined,
    ...references(members, away.rows, random),
  };
}

/** The bucket of a bank with so many rows: the whole part of the binary logarithm. */
export function bucketOf(count: number): number {
  return 31 - Math.clz32(count);
}

function sketches(by: Sketch, x: Float32Array, features: number) {
  const plain = sketchRows(by, { x, features });
  const factor = quantiseFactor(plain);
  return { factor, rows: plain.map((each) => quantise(each, factor)) };
}

function byClass(labels: ArrayLike<number>): Map<number, number[]> {
  const members = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? 0;
    const own = members.get(label) ?? [];
    own.push(i);
    members.set(label, own);
  }
  return members;
}

/** Plays sessions of each class and keeps how near the nearest earlier row was. */
function nearestFigures(
  members: ReadonlyMap<number, readonly number[]>,
  rows: readonly Int8Array[],
  random: Random,
): Record<string, Float32Array> {
  const found = new Map<string, number[]>();
  const keep = (name: string, value: number): void => {
    const figures = found.get(name) ?? [];
    figures.push(value);
    found.set(name, figures);
  };
  for (const [label, own] of members) {
    for (const { rounds, rows: length } of sessions) {
      for (let round = 0; round < rounds; round++) {
        const bank = new Bank(rows[0]?.length ?? 0, rowsPerClassMax);
        for (const at of random.permutation(own.length).subarray(0, length)) {
          const row = rows[own[at] ?? 0] ?? new Int8Array();
          if (bank.count > 0) {
            const distance = bank.nearest(row) / lengthOf(row);
            keep(`${label}:${bucketOf(bank.count)}`, distance);
            keep(`*:${bucketOf(bank.count)}`, distance);
          }
          bank.add(row, 0);
        }
      }
    }
  }
  return Object.fromEntries([...found].map(([name, each]) => [name, thinned(each)]));
}

const figuresMax = 2000;

/** Sorted figures, evenly thinned to a limit; both ends stay. */
function thinned(figures: readonly number[]): Float32Array {
  const sorted = Float32Array.from(figures).sort();
  if (sorted.length <= figuresMax) return sorted;
  const by = (sorted.length - 1) / (figuresMax - 1);
  return Float32Array.from({ length: figuresMax }, (_, i) => sorted[Math.round(i * by)] ?? 0);
}

/** Half of each class is the reference, the other half is measured by it. */
function references(
  members: ReadonlyMap<number, readonly number[]>,
  rows: readonly Int8Array[],
  random: Random,
): Pick<NeighbourProfile, 'references' | 'outlying'> {
  const outlying: number[] = [];
  const found: ClassReference[] = [];
  for (const [label, own] of members) {
    const order = random.permutation(own.length);
    const kept = Math.min(referencePerClassMax, Math.ceil(own.length / 2));
    const bank = new Bank(rows[0]?.length ?? 0, kept);
    const at = (i: number): Int8Array => rows[own[order[i] ?? 0] ?? 0] ?? new Int8Array();
    for (let i = 0; i < kept; i++) bank.add(at(i), 0);
    const measured = Array.from({ length: own.length - kept }, (_, i) =>
      Math.log(1 + bank.nearest(at(kept + i), farNeighbour)),
    );
    if (measured.length < 8) continue;
    const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
    const squares = measured.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = Math.sqrt(squares / measured.length) || 1;
    found.push({ label, bank: bank.state, mean, deviation });
    for (const value of measured) outlying.push((value - mean) / deviation);
  }
  return { references: found, outlying: thinned(outlying) };
}
