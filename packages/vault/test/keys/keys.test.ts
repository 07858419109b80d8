/** Root keys: wrapping, derivation, passphrases and key files. */
import { hex, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  deriveKey,
  formatKeyFile,
  keyFileProvider,
  localProvider,
  newPassphraseParameters,
  newRootKey,
  parseKeyFile,
  parsePassphraseParameters,
  passphraseProvider,
  stretchPassphrase,
  unwrapKey,
  wrapKey,
} from '../../src/index.ts';
import { sampleBytes } from '../support.ts';

const cheap = { memoryKib: 64, passes: 1, parallelism: 1 };
const refusal = expect.objectContaining({ code: 'cannot-open' });

describe('wrapping', () => {
  const root = newRootKey();
  it('gives the key back, in its context only', () => {
    const key = sampleBytes(32);
    const wrapped = wrapKey(root, key, 'version/1');
    expect(unwrapKey(root, wrapped, 'version/1')).toEqual(key);
    expect(() => unwrapKey(root, wrapped, 'version/2')).toThrow(refusal);
    expect(() => unwrapKey(newRootKey(), wrapped, 'version/1')).toThrow(refusal);
    expect(hex(wrapKey(root, key, 'version/1'))).not.toBe(hex(wrapped));
  });

  it('refuses every change and every cut', () => {
    const wrapped = wrapKey(root, utf8('key'), 'c');
    for (let at = 0; at < wrapped.length; at++) {
      const changed = wrapped.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => unwrapKey(root, changed, 'c')).toThrow(refusal);
      expect(() => unwrapKey(root, wrapped.slice(0, at), 'c')).toThrow(refusal);
    }
  });

  it('refuses root keys of another length', () => {
    expect(() => wrapKey(new Uint8Array(16), utf8('key'), 'c')).toThrow(
      'root key expected 32 bytes, got 16',
    );
  });

  it('derives one key a purpose', () => {
    expect(deriveKey(root, 'database')).toEqual(deriveKey(root, 'database'));
    expect(deriveKey(root, 'database')).not.toEqual(deriveKey(root, 'ledger'));
    expect(() => deriveKey(root, '')).toThrow('"purpose" expected a name, got none');
    // Recorded with Python's hmac: changing the derivation would lock every existing home.
    expect(hex(deriveKey(new Uint8Array(32), 'database'))).toBe(
      'd0e181cf374692967a25c68a2f3f28c8d5c5064763ff4b3435e10d805a616507',
    );
  });

  it('forgets the root key on close', async () => {
    const key = newRootKey();
    const provider = localProvider('test', key);
    const wrapped = await provider.wrap(utf8('key'), 'c');
    expect(await provider.unwrap(wrapped, 'c')).toEqual(utf8('key'));
    provider.close();
    expect(key).toEqual(new Uint8Array(32));
    await expect(provider.derive('x')).rejects.toMatchObject({
      code: 'bad-key',
      message: 'root key provider "test" was closed',
    });
  });
});

describe('passphrases', () => {
  it('stretch the same way each time', async () => {
    const parameters = newPassphraseParameters(cheap);
    const stored = parsePassphraseParameters(JSON.parse(JSON.stringify(parameters)));
    const a = await passphraseProvider('correct horse', parameters);
    const b = await passphraseProvider('correct horse', stored);
    const wrong = await passphraseProvider('correct house', stored);
    const wrapped = await a.wrap(utf8('key'), 'c');
    expect(await b.unwrap(wrapped, 'c')).toEqual(utf8('key'));
    await expect(wrong.unwrap(wrapped, 'c')).rejects.toMatchObject({ code: 'cannot-open' });
  });

  it('are the same however an accent was typed', async () => {
    const parameters = newPassphraseParameters(cheap);
    const composed = await stretchPassphrase('caf\u00e9', parameters);
    expect(await stretchPassphrase('cafe\u0301', parameters)).toEqual(composed);
  });

  it('follow RFC 9106 with the parameters stored', async () => {
    const salt = Buffer.from('somesalt16bytes!').toString('base64');
    const parameters = parsePassphraseParameters({ algorithm: 'argon2id', ...cheap, salt });
    // Recorded with argon2-cffi over the reference library.
    expect(hex(await stretchPassphrase('password', parameters))).toBe(
      'c552a71c0d023a9a51edba8624a3ac8ffa8d5287735d715ecdfc8ed2a1f96b1c',
    );
  });

  it('refuse an empty passphrase and hostile parameters', () => {
    expect(() => stretchPassphrase('', newPassphraseParameters(cheap))).toThrow(
      'passphrase expected text, got none',
    );
    const hostile = {
      algorithm: 'argon2d',
      memoryKib: 2 ** 30,
      passes: 0,
      parallelism: 1,
      salt: '',
    };
    expect(() => parsePassphraseParameters(hostile)).toThrow(
      expect.objectContaining({
        code: 'bad-parameters',
        message:
          '"memoryKib" expected integer in 8 … 1048576, got 1073741824; ' +
          '"passes" expected integer in 1 … 64, got 0; "salt" expected 16 bytes in base64; ' +
          '"algorithm" expected "argon2id", got "argon2d"',
      }),
    );
    expect(() => parsePassphraseParameters(null)).toThrow('expected an object');
  });

  it('cost memory by default', () => {
    expect(newPassphraseParameters()).toMatchObject({ memoryKib: 65536, passes: 3 });
  });
});

describe('key files', () => {
  it('are read in hexadecimal and base64', async () => {
    const root = newRootKey();
    const text = formatKeyFile(root);
    expect(text).toMatch(/^# merlon root key: .*\n[0-9a-f]{64}\n$/);
    expect(parseKeyFile(text)).toEqual(root);
    expect(parseKeyFile(`\n# c\n  ${Buffer.from(root).toString('base64')} \r\n`)).toEqual(root);
    const wrapped = await keyFileProvider(text).wrap(utf8('k'), 'c');
    expect(unwrapKey(root, wrapped, 'c')).toEqual(utf8('k'));
  });

  it.each([
    ['', 'key file expected one line with a key, got none'],
    ['# only a comment', 'key file expected one line with a key, got none'],
    ['# c\nabcd\n', 'key file expected 32 bytes in line 2, got 2'],
    ['not a key!', 'key file expected hexadecimal or base64 in line 1'],
    [`${'ab'.repeat(32)}\n${'cd'.repeat(32)}`, 'key file expected one key, got a second in line 2'],
    ['a'.repeat(5000), 'key file expected at most 4096 characters, got 5000'],
  ])('tell what is wrong with %j', (text, message) => {
    expect(() => parseKeyFile(text)).toThrow(expect.objectContaining({ code: 'bad-key', message }));
  });
});
