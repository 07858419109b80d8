/** Post-quantum recipients: the native code against the library's, and rotation of recipients. */
import { memorySource, utf8 } from '@merlon/core';
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { generateIdentity, open, recipientOf, rotate, seal } from '../../src/index.ts';
import { gather, inPieces, sampleBytes } from '../support.ts';

describe('post-quantum recipients', () => {
  it('are those of the library, which is the readable twin', async () => {
    for (let i = 0; i < 5; i++) {
      const ours = await generateIdentity({ postQuantum: true });
      expect(await identityToRecipient(ours.identity)).toBe(ours.recipient);
      const theirs = await generateHybridIdentity();
      expect(await recipientOf(theirs)).toBe(await identityToRecipient(theirs));
      const decrypter = new Decrypter();
      decrypter.addIdentity(ours.identity);
      const sealed = await gather(seal(inPieces(utf8('a')), { recipients: [ours.recipient] }));
      expect(await decrypter.decrypt(sealed)).toEqual(utf8('a'));
      const encrypter = new Encrypter();
      encrypter.addRecipient(ours.recipient);
      const other = await encrypter.encrypt(utf8('b'));
      const opened = await gather(open(inPieces(other), { identities: [ours.identity] }));
      expect(opened).toEqual(utf8('b'));
    }
  });

  it('never show the secret in an error', async () => {
    const { identity } = await generateIdentity({ postQuantum: true });
    const thrown = await recipientOf(`${identity}X`).catch((error) => error);
    expect(thrown).toMatchObject({ code: 'bad-identity' });
    expect(JSON.stringify([thrown.message, String(thrown.cause)])).not.toContain(identity);
  });
});

describe('rotation', () => {
  it.each([0, 1, 65536, 200_000])('changes the header alone (%i bytes)', async (size) => {
    const [old, next] = [await generateIdentity(), await generateIdentity({ postQuantum: true })];
    const clear = sampleBytes(size);
    const before = await gather(seal(inPieces(clear), { recipients: [old.recipient] }));
    const options = { identities: [old.identity], recipients: [next.recipient] };
    const after = await gather(rotate(memorySource(before), options));
    const opened = gather(open(inPieces(after), { identities: [next.identity] }));
    expect(Buffer.compare(await opened, clear)).toBe(0);
    const shut = gather(open(inPieces(after), { identities: [old.identity] }));
    await expect(shut).rejects.toMatchObject({ code: 'cannot-open' });
    const payload = before.length - Buffer.from(before).lastIndexOf('\n--- ') - 5;
    const tail = (file: Uint8Array) => file.subarray(file.length - payload + 44);
    expect(Buffer.compare(tail(after), tail(before))).toBe(0);
  });

  it('refuses a wrong key and changed headers', async () => {
    const [old, next] = [await generateIdentity(), await generateIdentity()];
    const file = await gather(seal(inPieces(utf8('x')), { recipients: [old.recipient] }));
    const recipients = [next.recipient];
    const wrong = gather(rotate(memorySource(file), { identities: [next.identity], recipients }));
    await expect(wrong).rejects.toMatchObject({ code: 'cannot-open' });
    file[60] = (file[60] ?? 0) ^ 1;
    const bad = gather(rotate(memorySource(file), { identities: [old.identity], recipients }));
    await expect(bad).rejects.toMatchObject({ code: 'cannot-open' });
  });
});
