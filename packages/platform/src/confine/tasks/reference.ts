/** A sample of the training data, for detectors and guards: rows and their ranges. */
import { seeded } from '@merlon/core';
import { rowSize, sample } from '@merlon/graph';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom } from './data.ts';

/** Which data, and how many rows of it. */
export interface ReferenceInput extends DataInput {
  readonly rows: number;
  readonly seed: number;
}

/** Rows of training data with what is known of their features. */
export interface Reference {
  readonly x: Float32Array;
  /** True class of each row. */
  readonly labels: Int32Array;
  readonly rows: number;
  readonly features: number;
  /** True when columns mean different things, so that their scales differ. */
  readonly table: boolean;
  readonly names: readonly string[];
  /** Least and greatest value of each feature, by the schema or by all the data. */
  readonly min: readonly number[];
  readonly max: readonly number[];
  /** Step that each feature's values are multiples of; 0 when they are real. */
  readonly steps: readonly number[];
}

/** Draws the reference from source `data`. */
export async function referenceTask(
  input: ReferenceInput,
  context: TaskContext,
): Promise<Reference> {
  const { dataset, schema } = await datasetFrom(input, context);
  const features = rowSize(dataset);
  const drawn = sample(dataset, { count: input.rows, random: seeded(input.seed) });
  const columns = schema?.kind === 'table' ? schema.features : null;
  const image = schema?.kind === 'image' ? schema.input : null;
  const range = columns === null && image === null ? observedRange(dataset.x, features) : null;
  const each = Array.from({ length: features }, (_, i) => i);
  return {
    x: drawn.x.slice(0, drawn.labels.length * features),
    labels: drawn.labels,
    rows: drawn.labels.length,
    features,
    table: columns !== null,
    names: each.map((i) => columns?.[i]?.name ?? `element ${i}`),
    min: each.map((i) => columns?.[i]?.min ?? image?.min ?? range?.min[i] ?? 0),
    max: each.map((i) => columns?.[i]?.max ?? image?.max ?? range?.max[i] ?? 0),
    steps: each.map((i) => (columns?.[i]?.type === 'real' || columns === null ? 0 : 1)),
  };
}

function observedRange(
  x: Float32Array,
  features: number,
): { min: Float32Array; max: Float32Array } {
  const min = new Float32Array(features).fill(Number.POSITIVE_INFINITY);
  const max = new Float32Array(features).fill(Number.NEGATIVE_INFINITY);
  for (const [i, value] of x.entries()) {
    const feature = i % features;
    min[feature] = Math.min(min[feature] ?? value, value);
    max[feature] = Math.max(max[feature] ?? value, value);
  }
  return { min, max };
}
