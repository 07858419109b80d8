/** Upper tail of the binomial distribution. */
import { logGamma } from './gamma.ts';

/** Chance of at least `hits` in `count` trials of the given chance. Cost: linear in `count`. */
export function binomialTail(hits: number, count: number, chance: number): number {
  if (hits <= 0) return 1;
  const choose = (k: number): number =>
    logGamma(count + 1) - logGamma(k + 1) - logGamma(count - k + 1);
  let sum = 0;
  for (let k = hits; k <= count; k++) {
    sum += Math.exp(choose(k) + k * Math.log(chance) + (count - k) * Math.log1p(-chance));
  }
  return Math.min(1, sum);
}
