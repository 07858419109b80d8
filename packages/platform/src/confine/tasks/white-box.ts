/** What tasks share that look into a model: its gradients, what moves its inputs, and which. */
import {
  type Bounds,
  bounds as boundsBetween,
  type GradientSource,
  gradientsOfModel,
  linf,
  type RunOptions,
} from '@merlon/attack';
import { MerlonError, seeded } from '@merlon/core';
import { type DataSchema, type Dataset, type OnnxModel, sample } from '@merlon/graph';

/** The bounds that are asked for, else those of the schema, else 0 and 1. */
export function boundsOf(
  { bounds }: { readonly bounds?: readonly [number, number] },
  schema: DataSchema | null,
): Bounds {
  if (bounds !== undefined) return boundsBetween(...bounds);
  if (schema?.kind !== 'image') return { min: 0, max: 1 };
  return { min: schema.input.min, max: schema.input.max };
}

/** Where gradients come from, or null with the reason why there are none. */
export async function gradientsOf(
  model: OnnxModel,
  { threads }: { readonly threads: number },
): Promise<{ readonly source: GradientSource | null; readonly because: string }> {
  try {
    return { source: await gradientsOfModel(model, { threads }), because: '' };
  } catch (error) {
    if (error instanceof MerlonError && error.code === 'unsupported-operator') {
      return { source: null, because: error.message };
    }
    throw error;
  }
}

/** How far inputs may be moved, in the words of `runAttacks`. */
export function threatOf(
  options: {
    readonly norm?: 'linf' | 'l2' | 'l1' | 'l0';
    readonly epsilon?: number;
    readonly bounds?: readonly [number, number];
    readonly queriesMax?: number;
  },
  schema: DataSchema | null,
): Pick<RunOptions, 'norm' | 'epsilon' | 'constraints' | 'bounds' | 'queriesMax'> {
  const { norm, epsilon, queriesMax } = options;
  return {
    ...(queriesMax === undefined ? {} : { queriesMax }),
    ...(norm === undefined ? {} : { norm }),
    ...(epsilon === undefined ? {} : { epsilon: linf(epsilon).epsilon }),
    ...(schema?.kind === 'table' ? { constraints: schema } : {}),
    bounds: boundsOf(options, schema),
  };
}

/** Rare classes are drawn as often as common ones, or a table of 5 % bad would test nothing. */
export function sampled(
  dataset: Dataset,
  options: { readonly samples?: number; readonly seed: number },
  schema: DataSchema | null,
): Dataset {
  const { samples: count = 500, seed } = options;
  const random = seeded(seed).fork('samples');
  return sample(dataset, { count, random, balanced: schema?.kind === 'table' });
}
