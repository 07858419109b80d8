/**
 * Rényi differential privacy of the Gaussian mechanism on Poisson samples (Mironov, Talwar and
 * Zhang 2019, section 3.3), composed over steps and turned into (ε, δ) by Balle et al. 2020,
 * theorem 21.
 */
import { logErfc } from '../../numbers/normal.ts';

/** Steps of private training. */
export interface PrivateSteps {
  /** Chance of each row to be in a step. */
  readonly rate: number;
  /** Standard deviation of the noise over the clipping norm. */
  readonly noiseMultiplier: number;
  readonly steps: number;
}

/** Orders that are tried: 1.1, 1.2, … 10.9, 12, 13, … 63, and far ones for little noise budgets. */
const orders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => i + 12),
  ...[128, 256, 512, 1024],
];

/** The least ε at δ over all orders. */
export function rdpEpsilon(steps: PrivateSteps, delta: number): number {
  if (steps.noiseMultiplier === 0) return Infinity;
  if (steps.steps === 0) return 0;
  const each = orders.map((order) => {
    const spent = steps.steps * rdpOf(steps, order);
    const conversion = Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    return spent + conversion;
  });
  return Math.max(0, Math.min(...each.filter((epsilon) => !Number.isNaN(epsilon))));
}

/** RDP of one step at an order above 1. */
export function rdpOf({ rate, noiseMultiplier: sigma }: PrivateSteps, order: number): number {
  if (rate === 0) return 0;
  if (rate === 1) return order / (2 * sigma ** 2);
  const moment = Number.isInteger(order)
    ? integerMoment(rate, sigma, order)
    : fractionalMoment(rate, sigma, order);
  return moment / (order - 1);
}

/** log A_α for whole α: a binomial sum (equation 6). */
function integerMoment(rate: number, sigma: number, order: number): number {
  let sum = -Infinity;
  let logCoefficient = 0;
  for (let k = 0; k <= order; k++) {
    const chance = k * Math.log(rate) + (order - k) * Math.log1p(-rate);
    sum = logAdd(sum, logCoefficient + chance + (k * k - k) / (2 * sigma ** 2));
    logCoefficient += Math.log((order - k) / (k + 1));
  }
  return sum;
}

/** log A_α for other α: two infinite series, met at z₀ (section 3.3, equation 11). */
function fractionalMoment(rate: number, sigma: number, order: number): number {
  const [logRate, logRest] = [Math.log(rate), Math.log1p(-rate)];
  const meet = sigma ** 2 * Math.log(1 / rate - 1) + 0.5;
  let [sum, sign, logCoefficient] = [-Infinity, 1, 0];
  for (let i = 0; i < 100_000; i++) {
    const j = order - i;
    const below = logErfc((i - meet) / (Math.SQRT2 * sigma)) - Math.LN2;
    const above = logErfc((meet - j) / (Math.SQRT2 * sigma)) - Math.LN2;
    const quadratic = (k: number): number => (k * k - k) / (2 * sigma ** 2);
    const first = logCoefficient + i * logRate + j * logRest + quadratic(i) + below;
    const second = logCoefficient + j * logRate + i * logRest + quadratic(j) + above;
    for (const part of [first, second]) sum = sign > 0 ? logAdd(sum, part) : logSub(sum, part);
    if (Math.max(first, second) < -40) break;
    sign *= j < 0 ? -1 : 1;
    logCoefficient += Math.log(Math.abs(j) / (i + 1));
  }
  return sum;
}

function logAdd(a: number, b: number): number {
  const [most, least] = a > b ? [a, b] : [b, a];
  return least === -Infinity ? most : most + Math.log1p(Math.exp(least - most));
}

function logSub(a: number, b: number): number {
  return b >= a ? -Infinity : a + Math.log1p(-Math.exp(b - a));
}
