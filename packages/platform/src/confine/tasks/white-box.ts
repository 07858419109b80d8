/** What tasks share that look into a model: its gradients, and the bounds of its inputs. */
import {
  type Bounds,
  bounds as boundsBetween,
  type GradientSource,
  gradientsOfModel,
} from '@merlon/attack';
import { MerlonError } from '@merlon/core';
import type { DataSchema, OnnxModel } from '@merlon/graph';

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
