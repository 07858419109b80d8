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
/** A command and the file that it writes, which goes at once: what is still to be written slows the next one. */
type Turn = readonly [string, string, readonly string[], string];
for (let round = 0; round < Number(values.rounds); round++) {
  const seals: Turn[] = [
    ['age seal', values.age, ['-r', recipient, '-o', at('age'), at('clear')], 'age'],
    [
      'merlon seal',
      process.execPath,
      [bin, 'seal', at('clear'), '-r', recipient, '-o', at('ours')],
      'ours',
    ],
  ];
  takeTurns(round, seals);
  // Both open the same file.
  run('', values.age, ['-r', recipient, '-o', at('sealed'), at('clear')]);
  const opens: Turn[] = [
    ['age open', values.age, ['-d', '-i', at('key'), '-o', at('out'), at('sealed')], 'out'],
    [
      'merlon open',
      process.execPath,
      [bin, 'open', at('sealed'), '-i', at('key'), '-o', at('out')],
      'out',
    ],
  ];
  takeTurns(round, opens);
  rmSync(at('sealed'));
}
report(bytes);
await streamSpeed();
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

/** In one order, then in the other: whoever comes second finds memory that the first one left. */
function takeTurns(round: number, turns: readonly Turn[]): void {
  for (const [name, program, args, written] of round % 2 === 0 ? turns : turns.toReversed()) {
    run(name, program, args);
    rmSync(at(written));
  }
}

function run(name: string, program: string, args: readonly string[]): void {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${name}: ${String(stderr)}`);
  if (name !== '') rows[name] = [...(rows[name] ?? []), (performance.now() - started) / 1000];
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

/** The library alone, from memory to nowhere, one thread, beside raw calls in turn. */
async function streamSpeed(): Promise<void> {
  const piece = randomBytes(1 << 20);
  async function* input(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 1500; i++) yield piece;
  }
  const through = async (chunks: AsyncIterable<Uint8Array>): Promise<number> => {
    const started = performance.now();
    let total = 0;
    for await (const part of chunks) total += part.length;
    return total / 1e6 / (performance.now() - started);
  };
  const speeds: Record<string, number[]> = { raw: [], seal: [], 'seal and open': [] };
  for (let round = 0; round < 6; round++) {
    const sealed = () => seal(input(), { recipients: [recipient] });
    const found = {
      raw: rawSpeed(),
      seal: await through(sealed()),
      'seal and open': 2 * (await through(open(sealed(), { identities: [identity] }))),
    };
    // The first round is for the compiler.
    if (round > 0) for (const [name, speed] of Object.entries(found)) speeds[name]?.push(speed);
  }
  const middle = (all: readonly number[] = []) => all.toSorted((a, b) => a - b)[2] ?? 0;
  const raw = middle(speeds.raw);
  console.log(`raw ChaCha20-Poly1305, 64 KiB, one thread: ${raw.toFixed(2)} GB/s`);
  for (const name of ['seal', 'seal and open']) {
    const speed = middle(speeds[name]);
    const share = ((100 * speed) / raw).toFixed(0);
    console.log(`stream ${name}: ${speed.toFixed(2)} GB/s, ${share} % of raw`);
  }
  if (statSync(at('clear')).size !== bytes) throw new Error('the input changed');
}
