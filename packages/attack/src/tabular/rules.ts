/** The rules of a schema by position instead of by name, and what each row does to them. */
import type { FeatureSchema, TableSchema } from '@merlon/graph';
import { snapped, spanOf, stepOf } from './grid.ts';

/** The part of a schema that constrains rows. */
export type RuleSource = Pick<TableSchema, 'features' | 'relations' | 'linear' | 'groups'>;

/** left ≤ right. */
export interface Edge {
  readonly left: number;
  readonly right: number;
}

/** A linear relation. */
export interface LinearRule {
  readonly terms: readonly { readonly at: number; readonly factor: number }[];
  readonly bound: number;
  /** True for "=", false for "at most". */
  readonly equal: boolean;
  readonly text: string;
}

/** Everything that holds of a row. */
export interface Rules {
  readonly features: readonly FeatureSchema[];
  readonly edges: readonly Edge[];
  readonly sums: readonly LinearRule[];
  readonly groups: readonly (readonly number[])[];
  /** Positions of all members of groups. */
  readonly grouped: ReadonlySet<number>;
}

/** The rules of a schema; relations that name unknown columns are left to the schema's reader. */
export function rulesOf(schema: RuleSource): Rules {
  const place = new Map(schema.features.map(({ name }, i) => [name, i]));
  const edges = schema.relations.flatMap(({ left, right }) => {
    const from = place.get(left);
    const to = place.get(right);
    return from === undefined || to === undefined ? [] : [{ left: from, right: to }];
  });
  const sums = (schema.linear ?? []).map(({ terms, bound, kind, text }): LinearRule => {
    const own = terms.flatMap(({ feature, factor }) => {
      const at = place.get(feature);
      return at === undefined ? [] : [{ at, factor }];
    });
    return { terms: own, bound, equal: kind === 'equal', text };
  });
  const groups = (schema.groups ?? []).map((names) =>
    names.flatMap((name) => place.get(name) ?? []),
  );
  return { features: schema.features, edges, sums, groups, grouped: new Set(groups.flat()) };
}

const relativeSlack = 1e-6;

/**
 * By how much a row breaks a linear relation: 0 where it holds. Sums of float32 numbers are given
 * a millionth of their size.
 */
export function excessOf(rule: LinearRule, row: Float32Array): number {
  let sum = -rule.bound;
  let size = Math.abs(rule.bound);
  for (const { at, factor } of rule.terms) {
    const part = factor * (row[at] ?? 0);
    sum += part;
    size += Math.abs(part);
  }
  const breaks = rule.equal ? Math.abs(sum) : sum;
  return breaks > relativeSlack * size ? sum : 0;
}

/** What is wrong with a row as a change of another. */
export function violationsOf(rules: Rules, row: Float32Array, original: Float32Array): string[] {
  const { features } = rules;
  const wrong: string[] = [];
  features.forEach((feature, i) => {
    const value = row[i] ?? Number.NaN;
    const own = original[i] ?? Number.NaN;
    if (value === own) return;
    const problem = valueProblem(feature, value, own);
    if (!feature.mutable) wrong.push(`"${feature.name}" cannot change, got ${value} for ${own}`);
    else if (problem !== undefined) wrong.push(`"${feature.name}" expected ${problem}`);
  });
  const name = (at: number) => features[at]?.name;
  for (const { left, right } of rules.edges) {
    if ((row[left] ?? 0) <= (row[right] ?? 0)) continue;
    const names = `"${name(left)}" ≤ "${name(right)}"`;
    wrong.push(`${names} expected, got ${row[left]} and ${row[right]}`);
  }
  for (const sum of rules.sums) {
    if (excessOf(sum, row) === 0) continue;
    const got = sum.terms.map(({ at }) => `${name(at)} ${row[at]}`).join(', ');
    wrong.push(`${sum.text} expected, got ${got}`);
  }
  for (const group of rules.groups) {
    const ones = group.filter((at) => row[at] === 1);
    if (ones.length === 1 && group.every((at) => row[at] === 1 || row[at] === 0)) continue;
    const names = `${name(group[0] ?? 0)} … ${name(group.at(-1) ?? 0)}`;
    wrong.push(`exactly one 1 expected in group ${names}, got ${ones.length}`);
  }
  return wrong;
}

function valueProblem(feature: FeatureSchema, value: number, own: number): string | undefined {
  const { min, max, step } = feature;
  if (!(value >= Math.fround(min) && value <= Math.fround(max))) {
    return `a number in [${min}, ${max}], got ${value}`;
  }
  if (feature.type !== 'real' && !Number.isInteger(value)) return `an integer, got ${value}`;
  if (snapped(feature, value) !== value) {
    return `${min} plus a whole number of steps of ${step}, got ${value}`;
  }
  const { low, high } = spanOf(feature, own);
  if (value >= low && value <= high) return undefined;
  return `only ${feature.direction} from ${own}, got ${value}`;
}

/** Steps that count for a continuous feature: thousandths of its range. */
const continuousSteps = 1000;

/** The change of one feature in its own steps and as a share of its range, at its cost. */
export function changeOf(feature: FeatureSchema, difference: number) {
  const range = feature.max - feature.min;
  const step = stepOf(feature) ?? range / continuousSteps;
  const whole = feature.type === 'categorical' || range === 0;
  return {
    ranges: (whole ? 1 : Math.abs(difference) / range) * (feature.cost ?? 1),
    steps: whole || step === 0 ? 1 : Math.abs(difference) / step,
  };
}
