/** Random schemas, and rows and models that fit them. */
import type { Random } from '@merlon/core';
import type { FeatureSchema, Relation } from '@merlon/graph';

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
