/** Looks for personal data and secrets inside the worker: tables come from anybody. */
import { readAll } from '@merlon/core';
import { readParquet } from '@merlon/graph';
import { piecesOf } from '../../blob/blob.ts';
import { type PersonalReport, scanRows, scanTable } from '../../personal/table.ts';
import type { TaskContext } from '../task.ts';
import { inputBytesMax } from './data.ts';

const limits = { rowsMax: 50_000_000, cellsMax: 500_000_000 };

/** The file in source `file`, read as its name says: Parquet, a table of texts, or lines. */
export async function personalTask(
  { path }: { readonly path: string },
  context: TaskContext,
): Promise<PersonalReport> {
  const source = context.source('file');
  if (!/\.parquet$/i.test(path)) {
    return scanTable(piecesOf(source), { csv: /\.(csv|tsv)$/i.test(path) });
  }
  const { columns, rows } = await readParquet(await readAll(source, inputBytesMax), limits);
  return scanRows(columns, rows);
}
