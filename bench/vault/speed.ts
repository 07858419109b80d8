/**
 * Seal, open and hash large files beside `age` and `openssl dgst`:
 * `node bench/vault/speed.ts FOLDER [--age PATH] [--bytes N] [--rounds N]`. Files go afterwards.
 */
import { spawnSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateIdentity, open, seal } from '@merlon/vault';
import { hashFiles } from '../../packages/platform/src/parallel/hash.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    age: { type: 'string', default: 'age' },
    bytes: { type: 'string', default: '2000000000' },
    rounds: { type: 'string', default: '3' },
  },
});
const [parent = '/tmp'] = positionals;
const folder = mkdtempSync(join(parent, 'merlon-speed-'));
const at = (name: string): string => join(folder, name);
const bytes = Number(values.bytes);
const bin = fileURLToPath(new URL('../../packages/platform/src/cli/merlon.ts', import.meta.url));
const { identity, recipient } = await generateIdentity();
writeFileSync(at('key'), `${identity}\n`, { mode: 0o600 });

fill(at('clear'), bytes);
const rows: Record<string, number[]> = {};
for (let round = 0; round < Number(values.rounds); round++) {
  run('age seal', values.age, ['-r', recipient, '-o', at('age'), at('clear')]);
  run('merlon seal', process.execPath, [
    bin,
    'seal',
    at('clear'),
    '-r',
    recipient,
    '-o',
    at('ours'),
  ]);
  run('age open', values.age, ['-d', '-i', at('key'), '-o', at('out1'), at('ours')]);
  run('merlon open', process.execPath, [bin, 'open', at('age'), '-i', at('key'), '-o', at('out2')]);
  for (const name of ['age', 'ours', 'out1', 'out2']) rmSync(at(name));
}
report(bytes);
const raw = rawSpeed();
console.log(`raw ChaCha20-Poly1305, 64 KiB, one thread: ${raw.toFixed(2)} GB/s`);
await streamSpeed(raw);
rmSync(at('clear'));

fill(at('one'), 1e9);
for (let i = 0; i < 4; i++) fill(at(`part${i}`), 250e6);
const parts = [0, 1, 2, 3].map((i) => at(`part${i}`));
for (let round = 0; round < 3; round++) {
  run('openssl dgst, one file', 'openssl', ['dgst', '-sha256', at('one')]);
  await timed('merlon, one file', () => hashFiles([at('one')]));
  run('openssl dgst, four files', 'openssl', ['dgst', '-sha256', ...parts]);
  await timed('merlon, four files', () => hashFiles(parts));
}
report(1e9);
rmSync(folder, { recursive: true, force: true });

function fill(path: string, size: number): void {
  const file = openSync(path, 'w');
  const block = randomBytes(1 << 22);
  for (let at = 0; at < size; at += block.length) {
    writeSync(file, block, 0, Math.min(block.length, size - at));
  }
  closeSync(file);
}

function run(name: string, program: string, args: readonly string[]): void {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${name}: ${String(stderr)}`);
  rows[name] = [...(rows[name] ?? []), (performance.now() - started) / 1000];
}

async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  await work();
  rows[name] = [...(rows[name] ?? []), (performance.now() - started) / 1000];
}

function report(size: number): void {
  for (const [name, seconds] of Object.entries(rows)) {
    const middle = [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? 0;
    const all = seconds.map((each) => each.toFixed(2)).join(' ');
    console.log(
      `${name}: median ${middle.toFixed(2)} s (${all}), ${(size / 1e9 / middle).toFixed(2)} GB/s`,
    );
    delete rows[name];
  }
}

function rawSpeed(): number {
  const [key, nonce, data] = [randomBytes(32), randomBytes(12), randomBytes(65536)];
  const count = 30_000;
  const started = performance.now();
  for (let i = 0; i < count; i++) {
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
    cipher.update(data);
    cipher.final();
    cipher.getAuthTag();
  }
  return (count * data.length) / 1e6 / (performance.now() - started);
}

/** The library alone, from memory to nowhere, one thread. */
async function streamSpeed(of: number): Promise<void> {
  const piece = randomBytes(1 << 20);
  async function* input(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 1500; i++) yield piece;
  }
  let started = performance.now();
  let total = 0;
  for await (const part of seal(input(), { recipients: [recipient] })) total += part.length;
  let speed = total / 1e6 / (performance.now() - started);
  console.log(`stream seal: ${speed.toFixed(2)} GB/s, ${((100 * speed) / of).toFixed(0)} % of raw`);
  started = performance.now();
  total = 0;
  for await (const part of open(seal(input(), { recipients: [recipient] }), {
    identities: [identity],
  })) {
    total += part.length;
  }
  speed = (2 * total) / 1e6 / (performance.now() - started);
  console.log(
    `stream seal and open: ${speed.toFixed(2)} GB/s, ${((100 * speed) / of).toFixed(0)} % of raw`,
  );
  if (statSync(at('clear')).size !== bytes) throw new Error('the input changed');
}
