/** Identities as text and key files. */
import { describe, expect, it } from 'vitest';
import {
  formatIdentity,
  generateIdentity,
  isRecipient,
  parseIdentities,
  recipientOf,
} from '../../src/index.ts';

describe('identities', () => {
  it('know their recipients', async () => {
    for (const postQuantum of [false, true]) {
      const pair = await generateIdentity({ postQuantum });
      expect(await recipientOf(pair.identity)).toBe(pair.recipient);
      expect(isRecipient(pair.recipient)).toBe(true);
      expect(isRecipient(pair.identity)).toBe(false);
    }
    await expect(recipientOf('age1x')).rejects.toMatchObject({ code: 'bad-identity' });
  });

  it('stand in key files, beside comments', async () => {
    const a = await generateIdentity();
    const b = await generateIdentity({ postQuantum: true });
    const text = formatIdentity(a, '2026-01-01T00:00:00Z') + formatIdentity(b);
    expect(text).toContain('# created: 2026-01-01T00:00:00Z\n# public key: age1');
    expect(await parseIdentities(`${text}\r\n\n`)).toEqual([a.identity, b.identity]);
  });

  it('name the line of a fault, not its text', async () => {
    const { identity } = await generateIdentity();
    await expect(parseIdentities(`# one\n${identity}A\n`)).rejects.toMatchObject({
      code: 'bad-identity',
      message: 'expected AGE-SECRET-KEY-1… or -PQ-1… in line 2',
    });
    await expect(parseIdentities('# nothing\n')).rejects.toMatchObject({
      message: 'expected AGE-SECRET-KEY-1… or -PQ-1…, got none',
    });
  });
});
