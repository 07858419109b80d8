/** Stochastic gradient descent with momentum (Polyak 1964) on weights that are plain arrays. */

/** The state of a training run, by the name of the weight. */
export interface MomentumState {
  /** Changed in place. */
  readonly weights: ReadonlyMap<string, { readonly data: Float32Array }>;
  /** Changed in place; as long as the weights, zeros at the beginning. */
  readonly velocity: ReadonlyMap<string, Float32Array>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** How far a step goes. */
export interface MomentumOptions {
  readonly rate: number;
  readonly momentum: number;
  readonly weightDecay: number;
}

/** Norm above which a step's gradient is shortened (Pascanu et al. 2013), or runs collapse. */
const gradientNormMax = 1;

/** One step; gradients together longer than 1 are shortened to it. */
export function momentumStep(state: MomentumState, options: MomentumOptions): void {
  const { rate, momentum, weightDecay } = options;
  const shrink = clipping(state.gradients.values());
  for (const [name, { data }] of state.weights) {
    const gradient = state.gradients.get(name);
    const speed = state.velocity.get(name);
    if (gradient === undefined || speed === undefined) continue;
    for (let i = 0; i < data.length; i++) {
      const pull = shrink * (gradient[i] ?? 0) + weightDecay * (data[i] ?? 0);
      const v = momentum * (speed[i] ?? 0) + pull;
      speed[i] = v;
      data[i] = (data[i] ?? 0) - rate * v;
    }
  }
}

/** The factor that brings all gradients together to at most the norm allowed. */
function clipping(gradients: Iterable<Float32Array>): number {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += (gradient[i] ?? 0) ** 2;
  }
  return Math.min(1, gradientNormMax / Math.max(Math.sqrt(squares), Number.MIN_VALUE));
}
