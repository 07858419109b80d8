/** Reads Apache Parquet files with flat columns, as a table of texts like any other. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { FileMetaData, SchemaElement } from 'hyparquet';
import type { Csv, CsvLimits } from './csv.ts';
import { DataError } from './error.ts';

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

const unpacking =
  (unpack: Unpack) =>
  (bytes: Uint8Array, length: number): Uint8Array =>
    new Uint8Array(unpack(bytes, { maxOutputLength: Math.max(1, length) }));

const compressors = {
  GZIP: unpacking(gunzipSync),
  BROTLI: unpacking(brotliDecompressSync),
  ZSTD: unpacking(zstdDecompressSync),
};

/** Bytes of all columns when they are unpacked. */
const unpackedBytesMax = 2 ** 31;

/**
 * The table of a file. Throws `DataError`: `truncated-data` for a file that cannot be read to its
 * end, `unsupported-data` for nested columns and rare codecs, `too-large`, `empty-data`.
 */
export async function readParquet(bytes: Uint8Array, limits: CsvLimits): Promise<Csv> {
  const { parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const buffer = bytes.slice().buffer;
  const file = {
    byteLength: bytes.length,
    slice: (start: number, end?: number) => buffer.slice(start, end),
  };
  const metadata = await read(() => parquetMetadataAsync(file));
  const columns = columnsOf(metadata.schema);
  refuseLarge(metadata, columns, limits);
  await read(() => checkPages(bytes, metadata));
  const rows = await read(() => parquetReadObjects({ file, metadata, compressors }));
  return {
    columns,
    rows: rows.map((row, i) => {
      return columns.map((column) => textOf(row[column], `row ${i + 1}, column "${column}"`));
    }),
  };
}

/** Walks the pages of every column: the reader would go back, for ever, by a negative size. */
async function checkPages(bytes: Uint8Array, { row_groups: groups }: FileMetaData): Promise<void> {
  const { parquetHeader } = await import('hyparquet/src/column.js');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const { columns } of groups) {
    for (const { meta_data: column } of columns) {
      const start = Number(column?.dictionary_page_offset ?? column?.data_page_offset ?? 0n);
      const end = start + Number(column?.total_compressed_size ?? 0n);
      const reader = { view, offset: start };
      while (reader.offset < end) {
        const header = parquetHeader(reader);
        const { compressed_page_size: size } = header;
        const { num_values: values = 0 } = header.data_page_header ??
          header.data_page_header_v2 ??
          header.dictionary_page_header ?? { num_values: 0 };
        const fits = size >= 0 && reader.offset + size <= end;
        if (!(fits && values >= 0 && values <= Number(column?.num_values ?? 0n))) {
          throw new RangeError('a page contradicts its column');
        }
        reader.offset += size;
      }
    }
  }
}

async function read<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.slice(0, 160) : 'it is broken';
    const rare = /compression codec|unsupported/i.test(why);
    throw new DataError(
      rare ? 'unsupported-data' : 'truncated-data',
      `the Parquet file cannot be read: ${why}`,
      { hint: 'Write it again, packed by Snappy, gzip, Brotli or Zstandard.', cause },
    );
  }
}

/** Names of the columns; one that holds others is refused. */
function columnsOf([, ...elements]: readonly SchemaElement[]): string[] {
  return elements.map(({ name, num_children: children, repetition_type: repeated }) => {
    if ((children ?? 0) === 0 && repeated !== 'REPEATED') return name;
    throw new DataError('unsupported-data', `column "${name}" expected one value a row`, {
      hint: 'Flatten lists and structures before writing the table.',
    });
  });
}

function refuseLarge(
  { num_rows: count, row_groups: groups }: FileMetaData,
  columns: readonly string[],
  limits: CsvLimits,
): void {
  const rows = Number(count);
  if (rows === 0 || columns.length === 0) {
    throw new DataError('empty-data', 'table expected a column and at least one row');
  }
  if (rows > limits.rowsMax || rows * columns.length > limits.cellsMax) {
    throw new DataError('too-large', `table expected at most ${limits.rowsMax} rows`);
  }
  // The reader believes these numbers and counts up to them.
  const held = groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  const flat = groups.every((group) =>
    group.columns.every(({ meta_data: column }) => column?.num_values === group.num_rows),
  );
  if (held !== rows || !flat) {
    throw new DataError('truncated-data', 'the Parquet file contradicts itself about its rows');
  }
  const unpacked = groups.reduce((sum, group) => sum + Number(group.total_byte_size), 0);
  if (unpacked > unpackedBytesMax) {
    throw new DataError('too-large', 'table expected at most 2 GiB when it is unpacked');
  }
}

/** The value as a table of text would have it; missing ones are empty. */
function textOf(value: unknown, where: string): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  throw new DataError('unsupported-data', `${where} expected a number, a text or a time`);
}
