/** The `age` command opens what we seal, and we open what it seals. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  armor,
  generateIdentity,
  open,
  parseIdentities,
  passphraseIdentity,
  passphraseRecipient,
  recipientOf,
  seal,
} from '../../src/index.ts';
import { findProgram, gather, inPieces, runProgram, sampleBytes, withFolder } from '../support.ts';

const age = findProgram('age', 'AGE');
if (age === null) console.warn('skipped: no "age" command on PATH or in AGE');
const keygen = age === null ? null : findProgram('age-keygen', 'AGE_KEYGEN');
const sshKeygen = findProgram('ssh-keygen', 'SSH_KEYGEN');
if (sshKeygen === null) console.warn('skipped: no "ssh-keygen" command on PATH');
const sizes = [0, 1, 65535, 65536, 65537, 200_000];

function ageRun(args: string[], input?: Uint8Array, env: Record<string, string> = {}): Uint8Array {
  const program = age ?? 'age';
  const path = `${join(program, '..')}:${process.env.PATH}`;
  const result = runProgram(program, args, {
    ...(input === undefined ? {} : { input }),
    env: { PATH: path, ...env },
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return result.stdout;
}

describe.skipIf(age === null)('the age command', () => {
  it.each([false, true])('agrees both ways (post-quantum: %s)', async (postQuantum) => {
    const { identity, recipient } = await generateIdentity({ postQuantum });
    await withFolder(async (folder) => {
      const keyFile = join(folder, 'key.txt');
      writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
      for (const size of sizes) {
        const clear = sampleBytes(size);
        const ours = await gather(seal(inPieces(clear), { recipients: [recipient] }));
        expect(Buffer.compare(ageRun(['-d', '-i', keyFile], ours), clear)).toBe(0);
        const theirs = ageRun(['-r', recipient], clear);
        const opened = await gather(open(inPieces(theirs), { identities: [identity] }));
        expect(Buffer.compare(opened, clear)).toBe(0);
      }
    });
  });

  it('agrees on passphrases', async () => {
    const clear = sampleBytes(70_000);
    const env = { AGE_PASSPHRASE: 'four ordinary words here', AGE_PASSPHRASE_WORK_FACTOR: '12' };
    const recipients = [passphraseRecipient(env.AGE_PASSPHRASE, 12)];
    const ours = await gather(seal(inPieces(clear), { recipients }));
    const plugin = runProgram(age ?? 'age', ['-d', '-j', 'batchpass'], {
      input: ours,
      env: { ...env, PATH: `${join(age ?? '', '..')}:${process.env.PATH}` },
    });
    if (/couldn't start plugin|executable file not found/.test(plugin.stderr)) {
      console.warn('skipped: no "age-plugin-batchpass" beside "age"');
      return;
    }
    expect(plugin.stderr).toBe('');
    expect(Buffer.compare(plugin.stdout, clear)).toBe(0);
    const theirs = ageRun(['-e', '-j', 'batchpass'], clear, env);
    const identities = [passphraseIdentity(env.AGE_PASSPHRASE)];
    expect(Buffer.compare(await gather(open(inPieces(theirs), { identities })), clear)).toBe(0);
  });

  it('agrees on armor and on several recipients', async () => {
    const pairs = [await generateIdentity(), await generateIdentity()];
    const recipients = pairs.map((pair) => pair.recipient);
    await withFolder(async (folder) => {
      for (const size of sizes) {
        const clear = sampleBytes(size);
        const ours = await gather(armor(seal(inPieces(clear), { recipients })));
        const theirs = ageRun(['-a', ...recipients.flatMap((each) => ['-r', each])], clear);
        for (const { identity } of pairs) {
          const keyFile = join(folder, 'key.txt');
          writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
          expect(Buffer.compare(ageRun(['-d', '-i', keyFile], ours), clear)).toBe(0);
          const opened = await gather(open(inPieces(theirs), { identities: [identity] }));
          expect(Buffer.compare(opened, clear)).toBe(0);
        }
      }
    });
  });

  it.skipIf(sshKeygen === null).each([
    ['ed25519', []],
    ['rsa', ['-b', '2048']],
    ['rsa', ['-b', '3072', '-m', 'PEM']],
  ])('agrees on SSH keys: %s %j', async (kind, more) => {
    await withFolder(async (folder) => {
      const keyFile = join(folder, 'ssh');
      const args = ['-q', '-t', kind, '-N', '', '-f', keyFile, ...more];
      const made = runProgram(sshKeygen ?? 'ssh-keygen', args);
      expect(made.stderr).toBe('');
      const recipient = readFileSync(`${keyFile}.pub`, 'utf8').trim();
      const [identity = ''] = await parseIdentities(readFileSync(keyFile, 'utf8'));
      expect(recipient.startsWith(await recipientOf(identity))).toBe(true);
      const clear = sampleBytes(70_000);
      const ours = await gather(seal(inPieces(clear), { recipients: [recipient] }));
      expect(Buffer.compare(ageRun(['-d', '-i', keyFile], ours), clear)).toBe(0);
      const theirs = ageRun(['-r', recipient], clear);
      const opened = await gather(open(inPieces(theirs), { identities: [identity] }));
      expect(Buffer.compare(opened, clear)).toBe(0);
      const other = await generateIdentity();
      const stranger = gather(open(inPieces(theirs), { identities: [other.identity] }));
      await expect(stranger).rejects.toMatchObject({ code: 'cannot-open' });
    });
  });

  it('opens 30 random files each way', async () => {
    const random = seeded(5);
    const { identity, recipient } = await generateIdentity();
    await withFolder(async (folder) => {
      const keyFile = join(folder, 'key.txt');
      writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
      for (let i = 0; i < 30; i++) {
        const clear = sampleBytes(random.integer(200_000), i);
        const ours = await gather(seal(inPieces(clear), { recipients: [recipient] }));
        expect(Buffer.compare(ageRun(['-d', '-i', keyFile], ours), clear)).toBe(0);
        const theirs = ageRun(['-r', recipient], clear);
        const opened = await gather(open(inPieces(theirs), { identities: [identity] }));
        expect(Buffer.compare(opened, clear)).toBe(0);
      }
    });
  });

  it.skipIf(keygen === null)('makes key files that we read', async () => {
    for (const args of [[], ['-pq']]) {
      const made = runProgram(keygen ?? 'age-keygen', args);
      const text = new TextDecoder().decode(made.stdout);
      const [identity = ''] = await parseIdentities(text);
      const said = /public key: (\S+)/.exec(text)?.[1];
      expect(await recipientOf(identity)).toBe(said);
    }
  });
});
