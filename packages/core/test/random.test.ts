import { describe, expect, it } from 'vitest';
import { secureBytes, seeded } from '../src/random.ts';

const mask = 0xffff_ffffn;

/** The readable twin of the generator: xoshiro128** in big integers. */
function* twin(seed: number): Generator<number> {
  const state = expand(BigInt(seed));
  const rotl = (x: bigint, bits: bigint): bigint => ((x << bits) | (x >> (32n - bits))) & mask;
  for (;;) {
    const [a = 0n, b = 0n, c = 0n, d = 0n] = state;
    yield Number((rotl((b * 5n) & mask, 7n) * 9n) & mask);
    const t = (b << 9n) & mask;
    const c2 = c ^ a;
    const d2 = d ^ b;
    state.splice(0, 4, a ^ d2, b ^ c2, c2 ^ t, rotl(d2, 11n));
  }
}

function expand(seed: bigint): bigint[] {
  let s = seed & mask;
  return Array.from({ length: 4 }, () => {
    s = (s + 0x9e3779b9n) & mask;
    let z = s;
    z = ((z ^ (z >> 16n)) * 0x85ebca6bn) & mask;
    z = ((z ^ (z >> 13n)) * 0xc2b2ae35n) & mask;
    return z ^ (z >> 16n);
  });
}

describe('seeded', () => {
  it.each([0, 1, 42, 0xffff_ffff])('is xoshiro128** from seed %i', (seed) => {
    const random = seeded(seed);
    const slow = twin(seed);
    for (let i = 0; i < 200; i++) expect(random.uint32()).toBe(slow.next().value);
  });
  it('tells seeds above 32 bits apart', () => {
    expect(seeded(1).uint32()).not.toBe(seeded(0x1_0000_0001).uint32());
  });
  it('is uniform and normal within sampling error', () => {
    const random = seeded(7);
    const draws = 20_000;
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < draws; i++) {
      const k = random.integer(10);
      counts[k] = (counts[k] ?? 0) + 1;
    }
    const chi = counts.reduce((sum, n) => sum + (n - draws / 10) ** 2 / (draws / 10), 0);
    // The 0.999 quantile of chi squared with nine degrees of freedom.
    expect(chi).toBeLessThan(27.9);
    const normals = Array.from({ length: draws }, () => random.normal());
    const mean = normals.reduce((sum, x) => sum + x, 0) / draws;
    const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
  });
  it('permutes', () => {
    const order = seeded(3).permutation(100);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
    expect([...order]).not.toEqual([...Array(100).keys()]);
    expect([...seeded(3).permutation(0)]).toEqual([]);
  });
  it('forks streams that do not move one another', () => {
    const one = seeded(5);
    const before = one.fork('attack').uint32();
    one.uint32();
    expect(one.fork('attack').uint32()).toBe(before);
    expect(one.fork('data').uint32()).not.toBe(before);
    expect(seeded(6).fork('attack').uint32()).not.toBe(before);
  });
});

describe('secureBytes', () => {
  it('gives as many as asked, never the same', () => {
    expect(secureBytes(32)).toHaveLength(32);
    expect(secureBytes(32)).not.toEqual(secureBytes(32));
  });
});
