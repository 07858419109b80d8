/** Comma-separated text after RFC 4180: quoted cells may hold commas, quotes and line ends. */
import { DataError } from './error.ts';

/** A parsed file: the header's names and the rows below it, every row as long as the header. */
export interface Csv {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a file may hold. */
export interface CsvLimits {
  readonly rowsMax: number;
  readonly cellsMax: number;
}

const comma = 0x2c;
const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Parses UTF-8 text with a header line. Throws `DataError` `empty-data`, `truncated-data` (a quote
 * that never closes), `invalid-data` (not UTF-8, a row of another length, a name twice) or
 * `too-large`. Rows are numbered from 1, the header not counted.
 */
export function parseCsv(bytes: Uint8Array, limits: CsvLimits): Csv {
  const text = decode(bytes);
  const rows: string[][] = [];
  let at = 0;
  let columns: string[] | undefined;
  while (at < text.length) {
    const { cells, next } = readRow(text, at, rows.length + (columns === undefined ? 0 : 1));
    at = next;
    if (cells.length === 1 && cells[0] === '') continue;
    if (columns === undefined) {
      columns = cells;
      continue;
    }
    if (cells.length !== columns.length) {
      const counts = `expected ${columns.length} cells, got ${cells.length}`;
      throw new DataError('invalid-data', `row ${rows.length + 1} ${counts}`);
    }
    rows.push(cells);
    if (rows.length > limits.rowsMax || rows.length * columns.length > limits.cellsMax) {
      throw new DataError('too-large', `table expected at most ${limits.rowsMax} rows`);
    }
  }
  if (columns === undefined || rows.length === 0) {
    throw new DataError('empty-data', 'table expected a header and at least one row');
  }
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new DataError('invalid-data', `header names column "${twice}" twice`);
  }
  return { columns, rows };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError('invalid-data', 'table expected UTF-8 text', {
      hint: 'Save the file as CSV in UTF-8.',
      cause,
    });
  }
}

function readRow(text: string, start: number, row: number): { cells: string[]; next: number } {
  const cells: string[] = [];
  let at = start;
  while (true) {
    const cell = text.charCodeAt(at) === quote ? quoted(text, at, row) : plain(text, at);
    cells.push(cell.value);
    at = cell.next;
    if (text.charCodeAt(at) !== comma) break;
    at++;
  }
  if (text.charCodeAt(at) === carriageReturn) at++;
  if (text.charCodeAt(at) === lineFeed) at++;
  else if (at < text.length && text.charCodeAt(at - 1) !== carriageReturn) {
    throw new DataError('invalid-data', `row ${row} expected a comma after a closing quote`);
  }
  return { cells, next: at };
}

function plain(text: string, start: number): { value: string; next: number } {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === comma || code === lineFeed || code === carriageReturn) break;
  }
  return { value: text.slice(start, at), next: at };
}

function quoted(text: string, start: number, row: number): { value: string; next: number } {
  let value = '';
  let from = start + 1;
  while (true) {
    const at = text.indexOf('"', from);
    if (at < 0) {
      throw new DataError('truncated-data', `row ${row} has a quote that never closes`);
    }
    value += text.slice(from, at);
    if (text.charCodeAt(at + 1) !== quote) return { value, next: at + 1 };
    value += '"';
    from = at + 2;
  }
}
