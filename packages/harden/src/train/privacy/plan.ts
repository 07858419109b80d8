/** How much noise a promise of privacy needs. */
import { HardenError } from '../../error.ts';
import { type PrivateSteps, rdpEpsilon } from './rdp.ts';

/** What a run spends. */
export interface PrivacySpent {
  readonly epsilon: number;
  readonly delta: number;
  readonly noiseMultiplier: number;
}

const noiseMax = 1e4;
/** How finely noise is chosen. */
const closeness = 1e-4;

/** The least noise multiplier with which steps stay within ε at δ; throws `invalid-option`. */
export function noiseFor(
  steps: Omit<PrivateSteps, 'noiseMultiplier'>,
  goal: { readonly epsilon: number; readonly delta: number },
): number {
  const spent = (noiseMultiplier: number): number =>
    rdpEpsilon({ ...steps, noiseMultiplier }, goal.delta);
  let [low, high] = [0, 1];
  while (spent(high) > goal.epsilon) {
    [low, high] = [high, high * 2];
    if (high <= noiseMax) continue;
    const least = spent(noiseMax).toPrecision(3);
    const got = `expected ${least} or more at delta ${goal.delta}, got ${goal.epsilon}`;
    throw new HardenError('invalid-option', `"privacy.epsilon" ${got}`, {
      hint: 'allow a greater epsilon, or train for fewer epochs on more rows',
    });
  }
  while (high - low > closeness * high) {
    const middle = (low + high) / 2;
    if (spent(middle) > goal.epsilon) low = middle;
    else high = middle;
  }
  return high;
}
