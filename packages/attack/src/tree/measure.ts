/** What a change costs, feature by feature: norms of the input, or a table's own units. */
import type { Constraints } from '../tabular/constraints.ts';
import { changeOf } from '../tabular/rules.ts';

/**
 * Norms of the raw input; `ranges`: sum of shares of the features' ranges; `steps`: sum of the
 * features' own steps; `changed`: number of features, of equal ones the smaller change.
 */
export type MeasureName = 'linf' | 'l2' | 'l1' | 'ranges' | 'steps' | 'changed';

/** A measure: the cost of each feature's change, and how costs are joined. */
export interface Measure {
  readonly name: MeasureName;
  /** True: the greatest cost counts; else their sum. */
  readonly greatest: boolean;
  /** Cost of changing a feature by a difference. */
  cost(feature: number, difference: number): number;
  /** Cost of choosing another member of a one-hot group. */
  groupCost(group: number): number;
  /** Cost of a whole row. */
  of(row: Float32Array, original: Float32Array): number;
  /** The distance in the measure's unit for such a cost (a root, for l2). */
  distance(cost: number): number;
}

/** A changed feature outweighs any change by range. */
const tieBreak = 1e-4;

/** A measure of rows; tables' own units need their constraints. */
export function measureOf(name: MeasureName, constraints?: Constraints): Measure {
  const features = constraints?.features ?? [];
  const groups = constraints?.groups ?? [];
  const grouped = new Set(groups.flat());
  const cost = (at: number, difference: number): number => {
    if (difference === 0) return 0;
    if (name === 'l2') return difference * difference;
    const feature = features[at];
    if (name === 'linf' || name === 'l1' || feature === undefined) return Math.abs(difference);
    const { ranges, steps } = changeOf(feature, difference);
    if (name === 'steps') return steps;
    return name === 'ranges' ? ranges : 1 + tieBreak * ranges;
  };
  const groupCost = (group: number): number => {
    if (name === 'linf' || name === 'steps') return 1;
    if (name === 'l1' || name === 'l2') return 2;
    const own = features[groups[group]?.[0] ?? 0]?.cost ?? 1;
    return name === 'ranges' ? own : 1 + tieBreak * own;
  };
  const greatest = name === 'linf';
  return {
    name,
    greatest,
    cost,
    groupCost,
    distance: (sum) => (name === 'l2' ? Math.sqrt(sum) : sum),
    of: (row, original) => {
      let total = 0;
      const add = (own: number) => {
        total = greatest ? Math.max(total, own) : total + own;
      };
      for (let i = 0; i < row.length; i++) {
        if (grouped.has(i)) continue;
        const difference = (row[i] ?? 0) - (original[i] ?? 0);
        if (difference !== 0) add(cost(i, difference));
      }
      groups.forEach((group, g) => {
        if (group.some((at) => row[at] !== original[at])) add(groupCost(g));
      });
      return total;
    },
  };
}
