/**
 * Reads a data set from the bytes of one file: `.npz`, `.npy`, IDX, `.csv` or `.parquet`. Nothing
 * is executed, every size is bounded before memory is taken, and a value that is not finite is
 * refused with its place.
 */
import { type NumberArray, readIdx, readNpy } from './array.ts';
import { type Csv, parseCsv } from './csv.ts';
import type { Dataset } from './dataset.ts';
import { DataError, faults } from './error.ts';
import { didYouMean } from './nearest.ts';
import { readParquet } from './parquet.ts';
import type { DataSchema, ImageSchema } from './schema.ts';
import { tableDataset } from './table.ts';
import { zipMembers } from './zip.ts';

/** File formats that can be read. */
export type DataFormat = 'npz' | 'npy' | 'idx' | 'csv' | 'parquet';

/** How to read a file. */
export interface ReadOptions {
  /** File name, from which the format is told. */
  readonly name?: string;
  /** The format, when there is no name. */
  readonly format?: DataFormat;
  /** Label column of a table, or array of an archive (default `y`); the schema's by default. */
  readonly label?: string;
  readonly schema?: DataSchema;
  /** Factor on every element; by default 1/255 for bytes of images, else 1. */
  readonly scale?: number;
  /** Labels of an IDX or `.npy` file, a file of the same format. */
  readonly labelBytes?: Uint8Array;
  /** Most elements that are read (default 2^28, 1 GiB of memory). */
  readonly elementsMax?: number;
}

const classesMax = 65_536;

const rowsMax = 10_000_000;
const elementsUsual = 2 ** 28;

/** As `readDataset`, for every format. */
export async function readAnyDataset(bytes: Uint8Array, options: ReadOptions): Promise<Dataset> {
  const format = options.format ?? formatOf(options.name ?? '');
  if (format !== 'parquet') return readDataset(bytes, options);
  refuseEmpty(bytes);
  const cellsMax = options.elementsMax ?? elementsUsual;
  return ofTable(await readParquet(bytes, { rowsMax, cellsMax }), options);
}

/**
 * The data set of a file; Parquet is read by `readAnyDataset`. Throws `DataError`; the message
 * names the place of the fault.
 */
export function readDataset(bytes: Uint8Array, options: ReadOptions): Dataset {
  const format = options.format ?? formatOf(options.name ?? '');
  const elementsMax = options.elementsMax ?? elementsUsual;
  refuseEmpty(bytes);
  if (format === 'csv')
    return ofTable(parseCsv(bytes, { rowsMax, cellsMax: elementsMax }), options);
  if (format === 'parquet') {
    throw new DataError('unsupported-data', 'Parquet expected a reader that may wait');
  }
  const { x, y } = readArrays(bytes, format, options, elementsMax);
  return arrayDataset(x, y, options);
}

function refuseEmpty(bytes: Uint8Array): void {
  if (bytes.length > 0) return;
  throw new DataError('empty-data', 'data file expected content, got 0 bytes');
}

function ofTable(table: Csv, { schema, label }: ReadOptions): Dataset {
  if (schema?.kind === 'image') {
    throw new DataError('unsupported-data', 'table expected a schema with "features"');
  }
  return tableDataset(table, { ...(schema && { schema }), ...(label !== undefined && { label }) });
}

function formatOf(name: string): DataFormat {
  const lower = name.toLowerCase();
  if (lower.endsWith('.npz')) return 'npz';
  if (lower.endsWith('.npy')) return 'npy';
  if (lower.endsWith('.csv')) return 'csv';
  if (lower.endsWith('.parquet')) return 'parquet';
  if (/\.idx$|idx\d-ubyte$/.test(lower)) return 'idx';
  throw new DataError('unsupported-data', `"${name}" is in no format that can be read`, {
    hint: 'Use a file named .npz, .npy, .csv, .parquet or .idx.',
  });
}

function readArrays(
  bytes: Uint8Array,
  format: 'npz' | 'npy' | 'idx',
  options: ReadOptions,
  elementsMax: number,
): { x: NumberArray; y: NumberArray } {
  if (format !== 'npz') {
    const read = format === 'npy' ? readNpy : readIdx;
    if (options.labelBytes === undefined) {
      throw new DataError('column-not-found', `.${format} data expected a file of labels`, {
        hint: 'Give the labels as a second file, or use a .npz with x and y.',
      });
    }
    const y = read(options.labelBytes, 'labels', elementsMax);
    return { x: read(bytes, options.name ?? 'data', elementsMax), y };
  }
  const members = zipMembers(bytes, elementsMax * 8 + 65_536);
  const array = (wanted: string): NumberArray => {
    const member = members.find(({ name }) => name === `${wanted}.npy`);
    if (member !== undefined) return readNpy(member.read(), wanted, elementsMax);
    const names = members.map(({ name }) => name.replace(/\.npy$/, ''));
    const near = didYouMean(wanted, names);
    throw new DataError('column-not-found', `array "${wanted}" is not in the archive${near}`, {
      hint: `The archive has: ${names.slice(0, 40).join(', ') || 'nothing'}.`,
    });
  };
  return { x: array('x'), y: array(options.label ?? 'y') };
}

function arrayDataset(x: NumberArray, y: NumberArray, options: ReadOptions): Dataset {
  const { schema } = options;
  const count = x.shape[0] ?? 0;
  if (x.length === 0 || x.shape.length < 2) {
    const got = `got shape [${x.shape.join(', ')}]`;
    throw new DataError('empty-data', `x expected samples of at least one element, ${got}`, {
      hint: 'Give data with at least one sample.',
    });
  }
  if (y.length !== count || y.shape[0] !== count) {
    const got = `got shape [${y.shape.join(', ')}]`;
    throw new DataError('invalid-data', `labels expected shape [${count}], ${got}`, {
      hint: 'Give one label for each sample.',
    });
  }
  const shape = schema?.kind === 'image' ? imageShape(x.shape, schema) : x.shape;
  const values = readValues(x, shape, options);
  const { labels, classes } = readLabels(y, schema?.label.classes);
  const features = schema?.kind === 'table' ? schema.features : undefined;
  if (features !== undefined && (shape.length !== 2 || shape[1] !== features.length)) {
    const expected = `[${count}, ${features.length}]`;
    throw new DataError('invalid-data', `x expected shape ${expected}, got [${shape.join(', ')}]`);
  }
  return { x: values, shape, labels, classes, ...(features && { features }) };
}

/** The schema's shape, when the file has it or has it without the channel axis of size 1. */
function imageShape(shape: readonly number[], schema: ImageSchema): readonly number[] {
  const wanted = schema.input.shape;
  const own = shape.slice(1);
  const bare = (sizes: readonly number[]) => sizes.filter((size) => size !== 1).join();
  if (bare(own) === bare(wanted)) return [shape[0] ?? 0, ...wanted];
  const expected = `[N, ${wanted.join(', ')}]`;
  throw new DataError('invalid-data', `x expected shape ${expected}, got [${shape.join(', ')}]`, {
    hint: 'Give data of the shape that the model takes.',
  });
}

function readValues(x: NumberArray, shape: readonly number[], options: ReadOptions): Float32Array {
  const scale = options.scale ?? (x.bytes && shape.length > 2 ? 1 / 255 : 1);
  const input = options.schema?.kind === 'image' ? options.schema.input : undefined;
  const min = input?.min ?? Number.NEGATIVE_INFINITY;
  const max = input?.max ?? Number.POSITIVE_INFINITY;
  const size = x.length / (shape[0] ?? 1);
  const found = faults();
  const values = new Float32Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const value = Math.fround(x.at(i) * scale);
    values[i] = value;
    if (Number.isFinite(value) && value >= min && value <= max) continue;
    const where = `x row ${Math.floor(i / size) + 1}, column ${(i % size) + 1}`;
    const wanted = Number.isFinite(value) ? `a number in [${min}, ${max}]` : 'a finite number';
    found.add(`${where} expected ${wanted}, got ${value}`);
  }
  found.refuse('bad-value', 'Correct the data, or give the factor that scales them.');
  return values;
}

function readLabels(y: NumberArray, known: readonly string[] | undefined) {
  const limit = known?.length ?? classesMax;
  const found = faults();
  let highest = 0;
  const labels = new Int32Array(y.length);
  for (let i = 0; i < y.length; i++) {
    const value = y.at(i);
    if (!Number.isInteger(value) || value < 0 || value >= limit) {
      found.add(`label of row ${i + 1} expected an integer in [0, ${limit}), got ${value}`);
      continue;
    }
    labels[i] = value;
    highest = Math.max(highest, value);
  }
  found.refuse('bad-value', 'Labels are positions in the list of classes, from 0.');
  const classes = known ?? Array.from({ length: highest + 1 }, (_, i) => String(i));
  return { labels, classes };
}
