/** `seal`, `open`, `sign`, `verify`, `keys` on bad input: one sentence, and nothing left behind. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigningKey } from '@merlon/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-vault-cli-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function merlon(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env.PATH ?? '' };
  return spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', cwd: folder, env });
}

let recipient = '';
beforeAll(() => {
  recipient = JSON.parse(merlon('keys', 'new', '-o', 'me.txt', '--json').stdout).recipient;
  merlon('keys', 'new', '-o', 'other.txt');
  writeFileSync(at('clear.txt'), 'some words '.repeat(20_000));
  writeFileSync(at('pass.txt'), 'a right passphrase\n');
  writeFileSync(at('wrong.txt'), 'a wrong passphrase\n');
  merlon('seal', 'clear.txt', '-r', recipient);
  merlon('seal', 'clear.txt', '--passphrase-file', 'pass.txt', '-o', 'pass.age');
  const sealed = readFileSync(at('clear.txt.age'));
  writeFileSync(at('cut.age'), sealed.subarray(0, -100));
  const changed = Buffer.from(sealed);
  changed[changed.length - 5000] = (changed[changed.length - 5000] ?? 0) ^ 4;
  writeFileSync(at('changed.age'), changed);
  writeFileSync(at('foreign.age'), 'PK\u0003\u0004 this is a zip');
  mkdirSync(at('model'));
  writeFileSync(join(at('model'), 'weights'), '1 2 3');
  const pair = generateSigningKey();
  writeFileSync(at('key.pem'), pair.privateKeyPem);
  writeFileSync(at('pub.pem'), pair.publicKeyPem);
  merlon('sign', 'model', '--key', 'key.pem', '-o', 'model.sig');
}, 60_000);

const wrongOrDamaged = /cannot open: wrong key, or the data was cut or changed/;
const cases: [string, string[], RegExp][] = [
  ['a wrong key', ['open', 'clear.txt.age', '-i', 'other.txt', '-o', 'out'], wrongOrDamaged],
  [
    'a wrong passphrase',
    ['open', 'pass.age', '--passphrase-file', 'wrong.txt', '-o', 'out'],
    wrongOrDamaged,
  ],
  ['a key for a passphrase', ['open', 'pass.age', '-i', 'me.txt', '-o', 'out'], wrongOrDamaged],
  ['a cut file', ['open', 'cut.age', '-i', 'me.txt', '-o', 'out'], wrongOrDamaged],
  ['a changed file', ['open', 'changed.age', '-i', 'me.txt', '-o', 'out'], wrongOrDamaged],
  ['a foreign file', ['open', 'foreign.age', '-i', 'me.txt', '-o', 'out'], /expected a file that/],
  ['no identity', ['open', 'clear.txt.age', '-i', 'clear.txt', '-o', 'out'], /in line 1/],
  ['no folder for it', ['seal', 'clear.txt', '-r', 'R', '-o', 'none/out'], /cannot write "none/],
  ['itself as output', ['seal', 'clear.txt', '-r', 'R', '-o', './clear.txt'], /another file than/],
  [
    'no recipient',
    ['seal', 'clear.txt', '-r', 'ssh-rsa AAAA', '-o', 'out'],
    /"--recipient" expected/,
  ],
  ['two kinds of trust', ['verify', 'model', '--signature', 'model.sig'], /"--key" is needed/],
  ['a key that is none', ['sign', 'model', '--key', 'clear.txt', '-o', 'out'], /EC private key/],
  [
    'no backup',
    ['restore', 'clear.txt', '--recovery', 'me.txt', '--home', 'out'],
    /expected a file/,
  ],
  [
    'a share alone',
    ['restore', 'pass.age', '--recovery', 'share', '--home', 'out'],
    /does not exist/,
  ],
];

describe('bad input', () => {
  it.each(cases)('%s', (_, words, said) => {
    const args = words.map((word) => (word === 'R' ? recipient : word));
    const before = readdirSync(folder).sort();
    const ran = merlon(...args);
    expect(ran.stderr).toMatch(said);
    expect(ran.stderr.trim().split('\n').length).toBe(2);
    expect(ran.status).toBe(2);
    expect(ran.stdout).toBe('');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('good input does what it says', () => {
    expect(merlon('open', 'clear.txt.age', '-i', 'me.txt', '-o', 'again').status).toBe(0);
    expect(readFileSync(at('again'), 'utf8')).toBe(readFileSync(at('clear.txt'), 'utf8'));
    const pass = merlon('open', 'pass.age', '--passphrase-file', 'pass.txt', '-o', 'again2');
    expect(pass.status).toBe(0);
    expect(merlon('seal', 'clear.txt', '-r', recipient, '--armor', '-o', 'text.age').status).toBe(
      0,
    );
    expect(readFileSync(at('text.age'), 'utf8')).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    expect(merlon('open', 'text.age', '-i', 'me.txt', '-o', 'again3').status).toBe(0);
    const verify = ['verify', 'model', '--signature', 'model.sig', '--key', 'pub.pem'];
    expect(merlon(...verify, '--strict').status).toBe(0);
    writeFileSync(join(at('model'), 'weights'), '1 2 4');
    const changed = merlon(...verify);
    expect([changed.status, changed.stdout]).toEqual([1, 'NOT valid:\n  changed: weights\n']);
  });
});
