/** Random schemas, and rows and models that fit them. */
import { type Random, seeded } from '@merlon/core';
import type { FeatureSchema, Relation, TableSchema } from '@merlon/graph';

/** A schema without a label. */
export interface Table {
  readonly features: readonly FeatureSchema[];
  readonly relations: readonly Relation[];
}

/** A schema of 3 to 8 features of all types, with relations between numeric ones. */
export function randomTable(random: Random): Table {
  const features = Array.from({ length: 3 + random.integer(6) }, (_, i): FeatureSchema => {
    const common = { name: `f${i}`, mutable: random.uniform() < 0.7 };
    const min = random.integer(20) - 10;
    const span = 1 + random.integer(40);
    const kind = random.integer(4);
    if (kind === 0) {
      const categories = Array.from({ length: 2 + random.integer(5) }, (_, k) => `c${k}`);
      return { ...common, type: 'categorical', categories, min: 0, max: categories.length - 1 };
    }
    if (kind === 1) return { ...common, type: 'real', min, max: min + span / 3 };
    if (kind === 2) return { ...common, type: 'real', min, max: min + span, step: 0.1 };
    return { ...common, type: 'integer', min, max: min + span, step: 1 + random.integer(3) };
  });
  const numeric = features.filter(({ type }) => type !== 'categorical');
  const relations: Relation[] = [];
  for (let i = 0; i + 1 < numeric.length && relations.length < 2; i++) {
    const left = numeric[i]?.name ?? '';
    const right = numeric[i + 1]?.name ?? '';
    if (random.uniform() < 0.5) relations.push({ kind: 'lessOrEqual', left, right });
  }
  return { features, relations };
}

/** Rows that satisfy the schema; fewer than asked for when its relations are hard to meet. */
export function randomRows(table: Table, count: number, random: Random): Float32Array[] {
  const place = new Map(table.features.map(({ name }, i) => [name, i]));
  const rows: Float32Array[] = [];
  for (let tries = 0; rows.length < count && tries < count * 20; tries++) {
    const row = Float32Array.from(table.features, ({ type, min, max, step }) => {
      const grid = type === 'categorical' ? 1 : step;
      if (grid === undefined) return min + random.uniform() * (max - min);
      return min + random.integer(Math.floor((max - min) / grid + 1e-9) + 1) * grid;
    });
    const holds = table.relations.every(({ left, right }) => {
      return (row[place.get(left) ?? 0] ?? 0) <= (row[place.get(right) ?? 0] ?? 0);
    });
    if (holds) rows.push(row);
  }
  return rows;
}

/** A decision by a random tree of depth 4 over the features. */
export function randomTree(table: Table, random: Random): (row: Float32Array) => number {
  const splits = Array.from({ length: 15 }, () => {
    const feature = random.integer(table.features.length);
    const { min = 0, max = 1 } = table.features[feature] ?? {};
    return { feature, threshold: min + random.uniform() * (max - min) };
  });
  const leaves = Array.from({ length: 16 }, () => random.integer(2));
  return (row) => {
    let node = 0;
    while (node < 15) {
      const { feature = 0, threshold = 0 } = splits[node] ?? {};
      node = 2 * node + ((row[feature] ?? 0) <= threshold ? 1 : 2);
    }
    return leaves[node - 15] ?? 0;
  };
}

/** A schema of rows without a label. */
export type Schema = Pick<TableSchema, 'features' | 'relations' | 'linear' | 'groups'>;

/** A schema with everything in it: a sum, a group, steps, one way, fixed, a relation. */
export function wholeTable(seed: number): Schema {
  const random = seeded(seed);
  const number = (name: string, more: object = {}) =>
    ({ name, type: 'real', min: 0, max: 20, mutable: true, ...more }) as const;
  const flag = (name: string) =>
    ({ name, type: 'integer', min: 0, max: 1, step: 1, mutable: true }) as const;
  return {
    features: [
      number('a', { max: 10, step: 0.5 }),
      number('b', { max: 10, direction: random.uniform() < 0.5 ? 'increase' : 'decrease' }),
      number('total'),
      number('fixed', { mutable: false }),
      number('whole', { type: 'integer', step: 1, cost: 3 }),
      number('most', { type: 'integer', step: 1 }),
      flag('x'),
      flag('y'),
      flag('z'),
    ],
    relations: [{ kind: 'lessOrEqual', left: 'whole', right: 'most' }],
    linear: [
      {
        kind: 'equal',
        terms: [
          { feature: 'total', factor: 1 },
          { feature: 'a', factor: -1 },
          { feature: 'b', factor: -1 },
        ],
        bound: 0,
        text: 'total = a + b',
      },
    ],
    groups: [['x', 'y', 'z']],
  };
}

/** Rows that satisfy it. */
export function wholeRows(count: number, seed: number): Float32Array {
  const random = seeded(seed);
  const rows: number[] = [];
  for (let row = 0; row < count; row++) {
    const a = random.integer(21) / 2;
    const b = Math.fround(random.uniform() * 10);
    const whole = random.integer(12);
    const one = random.integer(3);
    rows.push(a, b, Math.fround(a + b), random.uniform() * 20, whole, whole + random.integer(8));
    rows.push(...[0, 1, 2].map((k) => Number(k === one)));
  }
  return Float32Array.from(rows);
}
