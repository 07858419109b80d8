/** Sessions that steal the model, and honest sessions that look unusual. */
import type { Classifier } from '@merlon/attack';
import type { Random } from '@merlon/core';
import { type Query, type Rows, rowAt } from './sessions.ts';

/** What a thief asks. */
export type Theft = (pool: Rows, random: Random, queries: number) => Float32Array[];

/** Jacobian augmentation in essence (Papernot et al. 2017): signed steps from rows asked before. */
const jacobian: Theft = (pool, random, queries) => {
  const asked = some(pool, random, 100);
  while (asked.length < queries) {
    const from = asked[random.integer(asked.length)] ?? asked[0] ?? new Float32Array();
    asked.push(from.map((value) => clip(value + (random.uniform() < 0.5 ? -0.1 : 0.1))));
  }
  return asked;
};

/** Straight lines between natural rows of two classes (Tramèr et al. 2016). */
const lines: Theft = (pool, random, queries) => {
  const asked: Float32Array[] = [];
  while (asked.length < queries) {
    const [a = new Float32Array(), b = a] = some(pool, random, 2);
    for (let k = 1; k < 10; k++) asked.push(a.map((v, i) => v + (k / 10) * ((b[i] ?? 0) - v)));
  }
  return asked.slice(0, queries);
};

/** Rows far from all that were asked before (k-centre, Pal et al. 2020). */
const centres: Theft = (pool, random, queries) => {
  const rows = some(pool, random, pool.labels.length);
  const away = new Float64Array(rows.length).fill(Number.POSITIVE_INFINITY);
  const asked: Float32Array[] = [];
  let next = rows[0] ?? new Float32Array();
  while (asked.length < queries) {
    asked.push(next);
    let best = 0;
    rows.forEach((row, at) => {
      let sum = 0;
      for (let i = 0; i < row.length; i++) sum += ((row[i] ?? 0) - (next[i] ?? 0)) ** 2;
      away[at] = Math.min(away[at] ?? 0, sum);
      if ((away[at] ?? 0) > (away[best] ?? 0)) best = at;
    });
    next = rows[best] ?? next;
  }
  return asked;
};

const noise: Theft = (pool, random, queries) =>
  Array.from({ length: queries }, () =>
    Float32Array.from({ length: pool.features }, () => random.uniform()),
  );

/** Every theft that is played; natural rows are what no detector can tell. */
export const thefts: Readonly<Record<string, Theft>> = {
  'Jacobian augmentation': jacobian,
  'lines between rows': lines,
  'k-centre choice': centres,
  'uniform noise': noise,
  'natural rows': some,
};

/** Changes to honest rows. */
export const hardBenign: Readonly<
  Record<string, (row: Float32Array, random: Random) => Float32Array>
> = {
  'noise 0.05': (row, random) => row.map((value) => clip(value + 0.05 * random.normal())),
  'dimmed 0.8': (row) => row.map((value) => 0.8 * value),
  'shifted one pixel': (row) => row.map((_, i) => (i % 28 === 0 ? 0 : (row[i - 1] ?? 0))),
};

/** Rows with the model's answers. */
export async function answered(model: Classifier, rows: readonly Float32Array[]): Promise<Query[]> {
  const x = Float32Array.from(rows.flatMap((row) => [...row]));
  const labels = await model.predict(x);
  return rows.map((row, i) => ({ row, label: labels[i] ?? -1 }));
}

function some(pool: Rows, random: Random, count: number): Float32Array[] {
  const order = random.permutation(pool.labels.length).subarray(0, count);
  return [...order].map((at) => rowAt(pool, at));
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}
