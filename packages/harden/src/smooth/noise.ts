/** Gaussian noise on many values at once. */
import type { Random } from '@merlon/core';

/** Values with noise of standard deviation `sigma` (Box and Muller 1958, both of each pair). */
export function noisy(x: Float32Array, sigma: number, random: Random): Float32Array {
  const out = x.slice();
  for (let i = 0; i < out.length; i += 2) {
    const radius = sigma * Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    out[i] = (out[i] ?? 0) + radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = (out[i + 1] ?? 0) + radius * Math.sin(angle);
  }
  return out;
}
