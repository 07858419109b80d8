/** Turns the texts of a table into numbers, after a schema or, without one, as plain numbers. */
import type { Csv } from './csv.ts';
import type { Dataset } from './dataset.ts';
import { DataError, type Faults, faults } from './error.ts';
import { didYouMean } from './nearest.ts';
import type { FeatureSchema, TableSchema } from './schema.ts';

/** Which column is the label and what the others mean. */
export interface TableOptions {
  /** Name of the label column; the schema's by default. */
  readonly label?: string;
  readonly schema?: TableSchema;
}

/**
 * The data set of a table. Columns that the schema does not name are left out. Throws `DataError`
 * `column-not-found`, or `bad-value` naming row (from 1) and column.
 */
export function tableDataset(csv: Csv, options: TableOptions): Dataset {
  const { schema } = options;
  const label = options.label ?? schema?.label.name;
  if (label === undefined) {
    throw new DataError('column-not-found', 'table expected the name of the label column', {
      hint: `Name one of: ${csv.columns.join(', ')}.`,
    });
  }
  const labelAt = columnAt(csv, label);
  const names = schema?.features.map((feature) => feature.name);
  const wanted = names ?? csv.columns.filter((name) => name !== label);
  const places = wanted.map((name) => columnAt(csv, name));
  if (places.length === 0) throw new DataError('empty-data', 'table expected a feature column');
  const found = faults();
  const x = new Float32Array(csv.rows.length * places.length);
  csv.rows.forEach((cells, row) => {
    places.forEach((place, i) => {
      const text = cells[place] ?? '';
      const where = `row ${row + 1}, column "${wanted[i]}"`;
      const value = cellValue(text, schema?.features[i], where, found);
      x[row * places.length + i] = value;
    });
  });
  const texts = csv.rows.map((cells) => cells[labelAt] ?? '');
  const classes = schema?.label.classes ?? classNames(texts);
  const labels = labelPositions(texts, classes, label, found);
  found.refuse('bad-value', 'Correct the data, or the schema that describes them.');
  const shape = [csv.rows.length, places.length];
  return { x, shape, labels, classes, ...(schema && { features: schema.features }) };
}

function columnAt(csv: Csv, name: string): number {
  const at = csv.columns.indexOf(name);
  if (at >= 0) return at;
  const near = didYouMean(name, csv.columns);
  throw new DataError('column-not-found', `column "${name}" is not in the table${near}`, {
    hint: `The table has: ${csv.columns.slice(0, 40).join(', ')}.`,
  });
}

const number = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

function cellValue(
  text: string,
  feature: FeatureSchema | undefined,
  where: string,
  found: Faults,
): number {
  if (feature?.categories !== undefined) {
    const at = feature.categories.indexOf(text);
    if (at < 0) {
      const near = didYouMean(text, feature.categories);
      found.add(`${where} expected a known category, got "${text.slice(0, 40)}"${near}`);
    }
    return at;
  }
  const value = number.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(Math.fround(value))) {
    const got = text.trim() === '' ? 'an empty cell' : `"${text.slice(0, 40)}"`;
    found.add(`${where} expected a finite number, got ${got}`);
  } else if (feature?.type === 'integer' && !Number.isInteger(value)) {
    found.add(`${where} expected an integer, got ${value}`);
  } else if (feature !== undefined && (value < feature.min || value > feature.max)) {
    found.add(`${where} expected a number in [${feature.min}, ${feature.max}], got ${value}`);
  }
  return value;
}

/** Cells that stand for a label that nobody knows. */
const missing = /^(|nan|na|n\/a|null|none|\?)$/i;

function classNames(texts: readonly string[]): string[] {
  return [...new Set(texts)]
    .filter((text) => !missing.test(text.trim()))
    .sort((a, b) => {
      const difference = Number(a) - Number(b);
      if (Number.isFinite(difference) && difference !== 0) return difference;
      return a < b ? -1 : 1;
    });
}

function labelPositions(
  texts: readonly string[],
  classes: readonly string[],
  column: string,
  found: Faults,
): Int32Array {
  const positions = new Map(classes.map((name, i) => [name, i]));
  return Int32Array.from(texts, (text, row) => {
    const position = positions.get(text);
    if (position === undefined) {
      const near = didYouMean(text, classes);
      const got = `got "${text.slice(0, 40)}"${near}`;
      found.add(`row ${row + 1}, column "${column}" expected a known class, ${got}`);
    }
    return position ?? -1;
  });
}
