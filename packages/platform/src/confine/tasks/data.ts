/** Reads data sets inside the worker: bytes come through sources, never from files. */
import { readAll } from '@merlon/core';
import {
  type DataSchema,
  type Dataset,
  type LabeledPicture,
  readAnyDataset,
  readPictures,
  readSchema,
} from '@merlon/graph';
import type { TaskContext } from '../task.ts';

/** What a worker takes into memory at most: 2 GiB. */
export const inputBytesMax = 2 ** 31;

/** Which data, and whether a schema describes it. */
export interface DataInput {
  readonly dataName: string;
  readonly hasSchema: boolean;
  readonly label?: string;
  /** Name of the source (default `data`). */
  readonly source?: string;
  /** Pictures by class, each a source: that name, `:picture:` and its position. */
  readonly pictures?: PictureList;
}

/** Pictures of a folder, in the order of their sources. */
export interface PictureList {
  readonly classes: readonly string[];
  readonly items: readonly { readonly name: string; readonly label: number }[];
}

const pictureBytesMax = 2 ** 26;

/** The data set in source `data`, read by the schema in source `schema`. */
export async function datasetFrom(
  input: DataInput,
  context: TaskContext,
): Promise<{ dataset: Dataset; schema: DataSchema | null }> {
  const schema = input.hasSchema
    ? readSchema(await readAll(context.source('schema'), 1 << 24))
    : null;
  if (input.pictures !== undefined) {
    const { classes } = input.pictures;
    const options = { classes, ...(schema === null ? {} : { schema }) };
    const dataset = await readPictures(picturesIn(input, input.pictures, context), options);
    return { dataset, schema };
  }
  const bytes = await readAll(context.source(input.source ?? 'data'), inputBytesMax);
  const dataset = await readAnyDataset(bytes, {
    name: input.dataName,
    ...(schema === null ? {} : { schema }),
    ...(input.label === undefined ? {} : { label: input.label }),
  });
  return { dataset, schema };
}

async function* picturesIn(
  { source = 'data' }: DataInput,
  { items }: PictureList,
  context: TaskContext,
): AsyncGenerator<LabeledPicture> {
  for (const [i, { name, label }] of items.entries()) {
    const bytes = await readAll(context.source(`${source}:picture:${i}`), pictureBytesMax);
    yield { name, label, bytes };
  }
}
