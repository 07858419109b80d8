/** What turns gradients into new weights. */

/** Optimizers by name. */
export const optimizers = ['sgd', 'adamw'] as const;

/** Name of an optimizer. */
export type OptimizerName = (typeof optimizers)[number];

/** Weights that an optimizer changes in place, by name. */
export type Trained = ReadonlyMap<string, { readonly data: Float32Array }>;

/** One step against gradients, changing the weights in place. */
export type Optimizer = (gradients: ReadonlyMap<string, Float32Array>, rate: number) => void;

/** What optimizers can be told. */
export interface OptimizerOptions {
  readonly momentum: number;
  readonly weightDecay: number;
}
