/**
 * Labels that were flipped, by confident learning (Northcutt, Jiang and Chuang 2021): a row is
 * counted for the class that it is likelier to be of than rows of that class are on average
 * (equations 1 and 2); the counts tell how many rows of a label are of another class (equation 3);
 * and so many of them, those that lean most to the other class, disagree (prune by noise rate).
 *
 * Probabilities must come from models that have not seen the row. Without any, they are the shares
 * of classes among each row's nearest neighbours, itself left out, so that nothing need be trained.
 * Such shares are coarse, and rows beside a flipped one are sure of nothing; so a row whose
 * neighbours are plainly of one other class disagrees too (Wilson 1972).
 */
import { AttackError } from '../error.ts';
import { type LabelledFeatures, refuseBadCount, refuseOutside, widthOf } from './features.ts';
import { nearestRows } from './neighbours.ts';

/** Rounding that sums of shares may differ by. */
const rounding = 1e-12;

/** Where probabilities come from. */
export interface LabelOptions {
  /**
   * [N, K], row-major: the probability of each class of each row, by models that were trained
   * without that row (cross-validation). In place of neighbours.
   */
  readonly probabilities?: Float32Array;
  /** Nearest rows that the shares of classes are taken over (default 10). */
  readonly neighbours?: number;
  /**
   * By what another class must lead among the neighbours for a row to disagree, whatever the counts
   * say, in (0, 1) (default 0.5). Not for probabilities that are given.
   */
  readonly leadMin?: number;
}

/** A row whose label disagrees. */
export interface LabelIssue {
  readonly row: number;
  readonly label: number;
  /** The class that it seems to be of. */
  readonly suggested: number;
  /** Probability of the label. */
  readonly selfConfidence: number;
  /** Probability of the suggested class. */
  readonly confidence: number;
}

/** What labels say beside what probabilities say. */
export interface LabelReport {
  /** The worst first: by what the suggested class is likelier than the label. */
  readonly issues: readonly LabelIssue[];
  /** Positions of the rows of `issues`, in their order. */
  readonly flagged: readonly number[];
  /** The class of each line and column of `joint`, ascending. */
  readonly classes: readonly number[];
  /**
   * The confident joint: rows by their label (line) and the class that they are counted for
   * (column). Rows that are sure of nothing are not counted.
   */
  readonly joint: readonly (readonly number[])[];
  /** [N]: the probability of each row's label. */
  readonly selfConfidence: Float64Array;
}

/**
 * Finds rows whose label disagrees. With neighbours, costs N²·D / 2 multiplications. Throws
 * `invalid-data` for features that do not fit their labels or are no finite numbers, for one class,
 * for more than 20 000 rows or no more than neighbours, and for probabilities that do not fit.
 */
export function labelFlips(table: LabelledFeatures, options: LabelOptions = {}): LabelReport {
  const { probabilities, neighbours = 10, leadMin = 0.5 } = options;
  refuseBadCount('neighbours', neighbours);
  refuseOutside('leadMin', leadMin, 0, 1);
  const width = widthOf(table);
  const { labels } = table;
  const { classes, shares } =
    probabilities === undefined
      ? sharesOfNeighbours(table, width, neighbours)
      : { classes: classesOf(probabilities, labels), shares: Float64Array.from(probabilities) };
  const places = new Map(classes.map((label, place) => [label, place]));
  const own = Int32Array.from(labels, (label) => places.get(label) ?? -1);
  const least = meanConfidence(shares, own, classes.length);
  const joint = classes.map(() => classes.map(() => 0));
  const selfConfidence = new Float64Array(labels.length);
  for (const [row, place] of own.entries()) {
    const likely = shares.subarray(row * classes.length, (row + 1) * classes.length);
    selfConfidence[row] = likely[place] ?? 0;
    const counted = countedFor(likely, least, place);
    const line = joint[place] ?? [];
    if (counted >= 0) line[counted] = (line[counted] ?? 0) + 1;
  }
  const plain = probabilities === undefined ? plainly(shares, own, classes.length, leadMin) : [];
  const found = worstOf([...pruned(shares, own, joint), ...plain]);
  const issues = found.map(({ row, place, lead }) => ({
    ...{ row, label: labels[row] ?? 0, suggested: classes[place] ?? 0 },
    ...{ selfConfidence: selfConfidence[row] ?? 0, confidence: (selfConfidence[row] ?? 0) + lead },
  }));
  return { issues, flagged: issues.map(({ row }) => row), classes, joint, selfConfidence };
}

/** A row with the class that it leans to, and by what that is likelier than its label. */
interface Leaning {
  readonly row: number;
  readonly place: number;
  readonly lead: number;
}

/** Of each label and other class, as many rows as the joint tells, those that lean there most. */
function pruned(
  shares: Float64Array,
  own: Int32Array,
  joint: readonly (readonly number[])[],
): Leaning[] {
  return joint.flatMap((line, from) => {
    const rows = [...own.keys()].filter((row) => own[row] === from);
    const counted = line.reduce((sum, count) => sum + count, 0);
    return line.flatMap((count, place) => {
      if (place === from || count === 0) return [];
      // Rows that were sure of nothing are dealt out like those that were.
      const wanted = Math.round((count / counted) * rows.length);
      const leaning = rows.map((row) => {
        const at = row * line.length;
        return { row, place, lead: (shares[at + place] ?? 0) - (shares[at + from] ?? 0) };
      });
      return leaning
        .sort(byLead)
        .slice(0, wanted)
        .filter(({ lead }) => lead > rounding);
    });
  });
}

/** Rows that lean to another class by so much. */
function plainly(
  shares: Float64Array,
  own: Int32Array,
  classes: number,
  leadMin: number,
): Leaning[] {
  return [...own].flatMap((from, row) => {
    const likely = shares.subarray(row * classes, (row + 1) * classes);
    return [...likely].flatMap((share, place) => {
      const lead = share - (likely[from] ?? 0);
      return place !== from && lead >= leadMin - rounding ? [{ row, place, lead }] : [];
    });
  });
}

/** Each row once, with the class that it leans to most. */
function worstOf(leaning: readonly Leaning[]): Leaning[] {
  const worst = new Map<number, Leaning>();
  for (const one of leaning.toSorted(byLead)) if (!worst.has(one.row)) worst.set(one.row, one);
  return [...worst.values()];
}

/** The greatest lead first; of equals, to rounding, the first row. */
function byLead(a: Leaning, b: Leaning): number {
  const by = b.lead - a.lead;
  return Math.abs(by) > rounding ? by : a.row - b.row;
}

/** The share of each class among a row's nearest other rows. */
function sharesOfNeighbours({ features, labels }: LabelledFeatures, width: number, count: number) {
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  const places = new Map(classes.map((label, place) => [label, place]));
  const shares = new Float64Array(labels.length * classes.length);
  for (const [i, other] of nearestRows(features, width, count).entries()) {
    const row = Math.floor(i / count);
    const at = row * classes.length + (places.get(labels[other] ?? -1) ?? 0);
    shares[at] = (shares[at] ?? 0) + 1 / count;
  }
  return { classes, shares };
}

/** The classes of given probabilities, checked. */
function classesOf(probabilities: Float32Array, labels: Int32Array): number[] {
  const width = probabilities.length / labels.length;
  if (!(Number.isInteger(width) && width >= 2)) {
    const got = `got ${probabilities.length} for ${labels.length} labels`;
    throw new AttackError('invalid-data', `probabilities expected two or more a row, ${got}`);
  }
  for (const [row, label] of labels.entries()) {
    if (label >= width) {
      const got = `row ${row + 1} is of class ${label}`;
      throw new AttackError('invalid-data', `labels expected classes below ${width}: ${got}`);
    }
    const own = probabilities.subarray(row * width, (row + 1) * width);
    const sum = own.reduce((total, share) => total + share, 0);
    if (own.every((share) => share >= 0) && Math.abs(sum - 1) <= 1e-3) continue;
    const got = `row ${row + 1} has ${[...own].map((share) => share.toPrecision(3)).join(', ')}`;
    throw new AttackError('invalid-data', `probabilities expected shares that add to 1: ${got}`);
  }
  return Array.from({ length: width }, (_, label) => label);
}

/** The mean probability of each class over the rows of that label; out of reach without rows. */
function meanConfidence(shares: Float64Array, own: Int32Array, classes: number): Float64Array {
  const sums = new Float64Array(classes);
  const counts = new Float64Array(classes);
  for (const [row, place] of own.entries()) {
    sums[place] = (sums[place] ?? 0) + (shares[row * classes + place] ?? 0);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return sums.map((sum, place) => {
    const count = counts[place] ?? 0;
    return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
  });
}

/** The likeliest class of those that a row is sure of, of equals its label; −1 without one. */
function countedFor(likely: Float64Array, least: Float64Array, place: number): number {
  const isSure = (k: number): boolean => (likely[k] ?? 0) >= (least[k] ?? 0) - rounding;
  let best = isSure(place) ? place : -1;
  for (const [k, share] of likely.entries()) {
    if (isSure(k) && (best < 0 || share > (likely[best] ?? 0) + rounding)) best = k;
  }
  return best;
}
