/**
 * What stands before the trees: scalers, imputers, one-hot encoders and the plumbing between them,
 * as skl2onnx and onnxmltools write them. Each makes a column from one column, so that a feature
 * of the ensemble is one input column followed by a few steps in float32.
 */

/** One step from a column to a column; arithmetic is rounded to float32 after every operation. */
export type Step =
  /** (x − offset) · scale, each rounded. */
  | { readonly kind: 'scale'; readonly offset: number; readonly scale: number }
  | { readonly kind: 'multiply'; readonly by: number }
  | { readonly kind: 'divide'; readonly by: number }
  | { readonly kind: 'add'; readonly by: number }
  /** Replaces one value (which may be "not a number"). */
  | { readonly kind: 'impute'; readonly replaced: number; readonly by: number }
  /** 1 where equal, else 0. */
  | { readonly kind: 'equals'; readonly value: number }
  /** 1 where greater, else 0. */
  | { readonly kind: 'exceeds'; readonly value: number }
  /** Towards zero, as a cast to integers does. */
  | { readonly kind: 'truncate' }
  | {
      readonly kind: 'map';
      readonly keys: readonly number[];
      readonly values: readonly number[];
      readonly fallback: number;
    };

/** A column of the input and the steps from it to a feature of the ensemble. */
export interface Column {
  readonly input: number;
  readonly steps: readonly Step[];
}

/** The value of a feature for a value of its input column. */
export function follow(column: Column, value: number): number {
  let now = value;
  for (const step of column.steps) now = take(step, now);
  return now;
}

function take(step: Step, x: number): number {
  switch (step.kind) {
    case 'scale':
      return Math.fround(Math.fround(x - step.offset) * step.scale);
    case 'multiply':
      return Math.fround(x * step.by);
    case 'divide':
      return Math.fround(x / step.by);
    case 'add':
      return Math.fround(x + step.by);
    case 'impute':
      return Object.is(x, step.replaced) || x === step.replaced ? step.by : x;
    case 'equals':
      return x === step.value ? 1 : 0;
    case 'exceeds':
      return x > step.value ? 1 : 0;
    case 'truncate':
      return Math.trunc(x);
    case 'map': {
      const at = step.keys.findIndex((key) => Object.is(key, x) || key === x);
      return at < 0 ? step.fallback : (step.values[at] ?? step.fallback);
    }
  }
}
