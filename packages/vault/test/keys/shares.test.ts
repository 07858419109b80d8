/** Shares of a secret: any two of three give it back, one tells nothing, errors are noticed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinShares, splitSecret } from '../../src/index.ts';

const two = { shares: 3, threshold: 2 };

describe('shares', () => {
  it('any two of three give the secret back, however they are typed', async () => {
    const secret = 'AGE-SECRET-KEY-PQ-1QQQQ';
    const [a = '', b = '', c = ''] = await splitSecret(secret, two);
    expect(a).toMatch(/^MERLON-SHARE-([A-Z2-7]{1,5}-?)+$/);
    for (const pair of [
      [a, b],
      [b, c],
      [c, a],
      [a, b, c],
      [a, a, b],
    ]) {
      expect(await joinShares(pair)).toBe(secret);
    }
    expect(
      await joinShares([
        a.toLowerCase(),
        b.replaceAll('-', ' ').replace(' ', '-').replace(' ', '-'),
      ]),
    ).toBe(secret);
  });

  it('work for any secret and any numbers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 0, max: 4 }),
        async (secret, threshold, more) => {
          const shares = await splitSecret(secret, { shares: threshold + more, threshold });
          expect(await joinShares(shares.slice(more))).toBe(secret);
        },
      ),
      { numRuns: 30, seed: 4 },
    );
  });

  it('tell what is wrong, and never the secret', async () => {
    const [a = '', b = ''] = await splitSecret('secret one', two);
    const [other = ''] = await splitSecret('secret two', two);
    const refused = async (...shares: string[]): Promise<string> => {
      const error = await joinShares(shares).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'bad-share' });
      expect(error.message).not.toContain(a.slice(13));
      return error.message;
    };
    expect(await refused()).toBe('expected shares, got none');
    expect(await refused(a)).toBe('expected 2 shares, got 1');
    expect(await refused(a, a)).toBe('expected 2 shares, got 1');
    expect(await refused(a, other)).toBe('share 2 is of another secret than share 1');
    const typo = `${a.slice(0, -1)}${a.endsWith('A') ? 'B' : 'A'}`;
    expect(await refused(b, typo)).toBe('share 2 was not typed as printed');
    expect(await refused(b, 'MERLON-SHARE-1')).toBe('share 2 was not typed as printed');
    expect(await refused('hello', b)).toMatch(/share 1 expected a text that begins with/);
  });
});
