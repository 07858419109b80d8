/** Randomness that nobody can repeat, for noise that must not be subtracted. */
import { type Random, secureBytes } from '@merlon/core';

/** What private training draws. */
export type NoiseSource = Pick<Random, 'uniform' | 'normal'>;

const drawn = 4096;

/** Numbers from the operating system's generator, with 53 bits. */
export function secureSource(): NoiseSource {
  let words = new Uint32Array(0);
  let next = 0;
  const word = (): number => {
    if (next === words.length) {
      words = new Uint32Array(secureBytes(4 * drawn).buffer);
      next = 0;
    }
    return words[next++] ?? 0;
  };
  const uniform = (): number => ((word() >>> 5) * 0x400_0000 + (word() >>> 6)) / 2 ** 53;
  return {
    uniform,
    normal: () => {
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      return radius * Math.cos(2 * Math.PI * uniform());
    },
  };
}
