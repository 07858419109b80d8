/** SSH keys: what is no key, and files for other keys. */
import { generateKeyPairSync } from 'node:crypto';
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { isRecipient, open, parseIdentities, recipientOf, seal } from '../../src/index.ts';
import { gather, inPieces } from '../support.ts';

function pem(type: 'ed25519' | 'rsa' | 'x25519', modulusLength = 2048): string {
  const options = {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  } as const;
  if (type === 'rsa') return generateKeyPairSync('rsa', { ...options, modulusLength }).privateKey;
  return generateKeyPairSync(type as 'ed25519', options).privateKey;
}

describe('SSH keys', () => {
  it.each(['ed25519', 'rsa'] as const)('%s seals and opens', async (type) => {
    const [mine, other] = [pem(type), pem(type)];
    const recipient = await recipientOf(mine);
    expect(isRecipient(recipient)).toBe(true);
    const file = await gather(seal(inPieces(utf8('to me')), { recipients: [recipient] }));
    const opened = gather(open(inPieces(file), { identities: [other, mine] }));
    expect(await opened).toEqual(utf8('to me'));
    const wrong = gather(open(inPieces(file), { identities: [other] }));
    await expect(wrong).rejects.toMatchObject({ code: 'cannot-open' });
  });

  it('refuses short, foreign and protected keys, never showing them', async () => {
    const short = await recipientOf(pem('rsa', 1024));
    expect(isRecipient(short)).toBe(false);
    expect(isRecipient('ssh-ed25519 AAAA')).toBe(false);
    await expect(parseIdentities(pem('x25519'))).rejects.toMatchObject({ code: 'bad-identity' });
    const kdf = Buffer.from('openssh-key-v1\0\0\0\0\x0aaes256-ctr', 'latin1');
    const body = Buffer.concat([kdf, Buffer.alloc(40)]).toString('base64');
    const locked = `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n`;
    const refused = await parseIdentities(locked).catch((error) => error);
    expect(refused).toMatchObject({
      code: 'bad-identity',
      message: 'the SSH key is protected by a passphrase, which is not read here',
      hint: expect.stringContaining('ssh-keygen -p'),
    });
    expect(refused.message).not.toContain(body.slice(0, 20));
  });
});
