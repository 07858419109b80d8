/**
 * A table read as it streams by, without a copy of it anywhere: personal data and secrets by
 * column, with counts and a few masked samples. Whatever is no table is read as lines.
 */
import { findPersonal, type PersonalKind } from './kinds.ts';

/** What was found in a column. */
export interface ColumnReport {
  readonly column: string;
  readonly kind: PersonalKind;
  /** Cells in which it was found. */
  readonly cells: number;
  /** Three different samples at most, masked. */
  readonly samples: readonly string[];
}

/** What was found in a table. */
export interface PersonalReport {
  readonly rows: number;
  readonly columns: number;
  readonly found: readonly ColumnReport[];
}

const samplesMax = 3;
const cellCharactersMax = 1 << 20;

/** Scans CSV (RFC 4180, first row names the columns) or lines of text. */
export async function scanTable(
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly csv: boolean },
): Promise<PersonalReport> {
  if (!options.csv) return scanRows(['text'], textRows(chunks));
  const rows = csvRows(chunks);
  const first = await rows.next();
  return scanRows(first.done === true ? [] : first.value, rows);
}

/** Scans the cells of a table, row by row. */
export async function scanRows(
  names: readonly string[],
  table: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
): Promise<PersonalReport> {
  const tally = new Map<
    string,
    { column: string; kind: PersonalKind; cells: number; samples: Set<string> }
  >();
  let rows = 0;
  for await (const cells of table) {
    rows++;
    for (const [i, cell] of cells.entries()) {
      const column = names[i] ?? `column ${i + 1}`;
      const kindsSeen = new Set<PersonalKind>();
      for (const { kind, masked } of findPersonal(cell)) {
        const key = `${kind} ${column}`;
        const entry = tally.get(key) ?? { column, kind, cells: 0, samples: new Set() };
        tally.set(key, entry);
        if (!kindsSeen.has(kind)) entry.cells++;
        kindsSeen.add(kind);
        if (entry.samples.size < samplesMax) entry.samples.add(masked);
      }
    }
  }
  const found = [...tally.values()].map(({ samples, ...rest }) => ({
    ...rest,
    samples: [...samples],
  }));
  return { rows, columns: names.length, found: found.sort((a, b) => b.cells - a.cells) };
}

async function* textRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let rest = '';
  for await (const text of decoded(chunks)) {
    const lines = (rest + text).split(/\r?\n/);
    rest = (lines.pop() ?? '').slice(-cellCharactersMax);
    for (const line of lines) yield [line];
  }
  if (rest !== '') yield [rest];
}

/** Quoted cells may hold commas, quotes written twice, and line ends. */
async function* csvRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  let pendingQuote = false;
  const endCell = (): void => {
    row.push(cell);
    cell = '';
  };
  for await (const text of decoded(chunks)) {
    for (const character of text) {
      if (pendingQuote) {
        pendingQuote = false;
        if (character === '"') {
          cell += '"';
          continue;
        }
        quoted = false;
      }
      if (quoted) {
        if (character === '"') pendingQuote = true;
        else if (cell.length < cellCharactersMax) cell += character;
      } else if (character === '"' && cell === '') quoted = true;
      else if (character === ',' || character === ';' || character === '\t') endCell();
      else if (character === '\n') {
        endCell();
        if (row.length > 1 || row[0] !== '') yield row;
        row = [];
      } else if (character !== '\r' && cell.length < cellCharactersMax) cell += character;
    }
  }
  if (cell !== '' || row.length > 0) {
    endCell();
    yield row;
  }
}

async function* decoded(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}
