/** Labelled features as the searches for poison take them, checked before anything is computed. */
import { gather } from '../batch.ts';
import { AttackError } from '../error.ts';

/** What a model, or any other reader, makes of labelled rows. */
export interface LabelledFeatures {
  /** [N, D], row-major; such as the activations before the last layer. */
  readonly features: Float32Array;
  /** [N]: the class that each row is said to be of. */
  readonly labels: Int32Array;
}

/** Rows of one class. */
export interface ClassRows {
  readonly label: number;
  /** Positions in the whole table, ascending. */
  readonly rows: readonly number[];
  /** Their features, [rows, D]. */
  readonly features: Float32Array;
}

/**
 * The number D of features of a row. Throws `invalid-data` for no rows, lengths that do not fit,
 * negative labels, fewer than two classes, and features that are not finite numbers.
 */
export function widthOf({ features, labels }: LabelledFeatures): number {
  const rows = labels.length;
  if (rows === 0) throw new AttackError('invalid-data', 'labelled rows expected, got none');
  const width = features.length / rows;
  if (!(Number.isInteger(width) && width > 0)) {
    const got = `got ${features.length} numbers for ${rows} labels`;
    throw new AttackError('invalid-data', `features expected as many for each row, ${got}`);
  }
  const negative = labels.findIndex((label) => label < 0);
  if (negative >= 0) {
    const got = `row ${negative + 1} is of class ${labels[negative]}`;
    throw new AttackError('invalid-data', `labels expected classes from 0: ${got}`);
  }
  if (labels.every((label) => label === labels[0])) {
    throw new AttackError('invalid-data', `labels expected two classes or more, got ${labels[0]}`);
  }
  refuseBroken('features', features, width);
  return width;
}

/** Refuses elements that are not finite numbers; throws `invalid-data`. */
export function refuseBroken(what: string, x: Float32Array, width: number): void {
  const broken = x.findIndex((value) => !Number.isFinite(value));
  if (broken < 0) return;
  const got = `row ${Math.floor(broken / width) + 1} has ${x[broken]}`;
  throw new AttackError('invalid-data', `${what} expected finite numbers: ${got}`);
}

/**
 * The rows of each class, by ascending label. Throws `invalid-data` where a class has fewer than
 * `rowsMin` of them.
 */
export function byClass(table: LabelledFeatures, width: number, rowsMin: number): ClassRows[] {
  const found = new Map<number, number[]>();
  for (const [row, label] of table.labels.entries()) {
    const own = found.get(label);
    if (own === undefined) found.set(label, [row]);
    else own.push(row);
  }
  const classes = [...found].sort(([a], [b]) => a - b);
  for (const [label, rows] of classes) {
    if (rows.length >= rowsMin) continue;
    const got = `class ${label} has ${rows.length}`;
    throw new AttackError('invalid-data', `${rowsMin} rows of each class expected: ${got}`);
  }
  return classes.map(([label, rows]) => {
    return { label, rows, features: gather(table.features, rows, width) };
  });
}

/** Refuses a seed that numbers are not drawn from; throws `invalid-option`. */
export function refuseBadSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw new AttackError('invalid-option', `"seed" expected a whole number from 0, got ${seed}`);
}

/** Refuses an option outside its open interval; throws `invalid-option`. */
export function refuseOutside(name: string, value: number, low: number, high: number): void {
  if (value > low && value < high) return;
  const wanted = high === Number.POSITIVE_INFINITY ? `above ${low}` : `in (${low}, ${high})`;
  throw new AttackError('invalid-option', `"${name}" expected a number ${wanted}, got ${value}`);
}

/** Refuses a count that is not whole and positive; throws `invalid-option`. */
export function refuseBadCount(name: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new AttackError('invalid-option', `"${name}" expected a positive integer, got ${value}`);
}
