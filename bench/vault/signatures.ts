/**
 * Random trees signed by Merlon and by the reference implementation, then changed, and judged by
 * both: `node bench/vault/signatures.ts --python PYTHON [--trees 10000] [--changes 2]`.
 */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { digestOf, type Random, seeded } from '@merlon/core';
import { type Curve, generateSigningKey, signManifest, verifyBundle } from '@merlon/vault';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    trees: { type: 'string', default: '10000' },
    changes: { type: 'string', default: '2' },
  },
});
const script = fileURLToPath(new URL('../../packages/vault/test/sign/oracle.py', import.meta.url));
const curves: readonly Curve[] = ['P-256', 'P-384', 'P-521'];
const steps = ['a', 'sub', 'sub-c.txt', 'Ünïcode', 'with space', "qu'ote", '😀', 'z"z', 'back\\s'];
const random = seeded(20);
const batchTrees = 100;
let [accepted, judged, differ] = [0, 0, 0];

for (let done = 0; done < Number(values.trees); done += batchTrees) {
  const root = mkdtempSync(join(tmpdir(), 'merlon-trees-'));
  const cases = Array.from({ length: batchTrees }, (_, i) => makeCase(root, i, random));
  ask(cases.map(({ model, at }) => task('sign', model, at('theirs'), at('key'))));
  for (const { ours, theirs } of judge(cases)) {
    if (ours && theirs) accepted++;
    else differ++;
  }
  for (let change = 0; change < Number(values.changes); change++) {
    for (const each of cases) mutate(each, random);
    for (const { ours, theirs } of judge(cases)) {
      judged++;
      if (ours !== theirs) differ++;
    }
  }
  rmSync(root, { recursive: true, force: true });
}
console.log(`${values.trees} trees, ${accepted} bundles accepted by both before any change`);
console.log(`${judged} verdicts after changes, ${differ} disagreements in all`);

interface Case {
  readonly model: string;
  readonly at: (name: string) => string;
  readonly publicKeyPem: string;
}

function makeCase(root: string, i: number, from: Random): Case {
  const model = join(root, `model${i}`);
  for (let n = 1 + from.integer(6); n > 0; n--) {
    const path = Array.from({ length: from.integer(3) }, () => `d${from.integer(3)}`);
    const name = join(model, ...path, `${steps[from.integer(steps.length)]}${n}`);
    mkdirSync(dirname(name), { recursive: true });
    writeFileSync(name, Buffer.alloc(from.integer(300), from.integer(256)));
  }
  const pair = generateSigningKey({ curve: curves[i % 3] ?? 'P-256' });
  const at = (name: string): string => join(root, `${i}.${name}`);
  writeFileSync(at('key'), pair.privateKeyPem);
  writeFileSync(at('pub'), pair.publicKeyPem);
  const options = { modelName: `model${i}`, privateKeyPem: pair.privateKeyPem };
  writeFileSync(at('ours'), signManifest(filesOf(model), options));
  return { model, at, publicKeyPem: pair.publicKeyPem };
}

function judge(cases: readonly Case[]): { ours: boolean; theirs: boolean }[] {
  const both = cases.flatMap((each) => ['ours', 'theirs'].map((by) => ({ ...each, by })));
  const answers = ask(both.map(({ model, at, by }) => task('verify', model, at(by), at('pub'))));
  return both.map(({ model, at, by, publicKeyPem }, i) => {
    const text = readFileSync(at(by), 'utf8');
    const ours = verifyBundle(text, filesOf(model), { publicKeyPem }).valid;
    return { ours, theirs: answers[i]?.ok === true };
  });
}

/** One change of the tree or of both bundles; some change nothing. */
function mutate({ model, at }: Case, from: Random): void {
  const files = filesOf(model);
  const name = join(model, files[from.integer(Math.max(1, files.length))]?.name ?? 'none');
  const kind = from.integer(9);
  if (kind === 0 && files.length > 0) writeFileSync(name, 'changed');
  else if (kind === 1 && files.length > 1) rmSync(name);
  else if (kind === 2 && files.length > 0) renameSync(name, `${name}.new`);
  else if (kind === 3) writeFileSync(join(model, 'added'), '');
  else if (kind === 4) {
    mkdirSync(join(model, '.git'), { recursive: true });
    writeFileSync(join(model, '.git', 'planted'), 'x');
  } else if (kind < 8) {
    for (const by of ['ours', 'theirs']) {
      const bundle = JSON.parse(readFileSync(at(by), 'utf8'));
      const envelope = bundle.dsseEnvelope;
      if (kind === 5) envelope.payload = flipped(envelope.payload, from);
      if (kind === 6) envelope.signatures[0].sig = flipped(envelope.signatures[0].sig, from);
      if (kind === 7) bundle.verificationMaterial.publicKey.hint = 'ab'.repeat(32);
      writeFileSync(at(by), JSON.stringify(bundle));
    }
  }
}

function flipped(text: string, from: Random): string {
  const bytes = Buffer.from(text, 'base64');
  const at = from.integer(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << from.integer(8));
  return bytes.toString('base64');
}

function filesOf(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => {
      return { name: relative(folder, path), digest: digestOf(new Uint8Array(readFileSync(path))) };
    });
}

function task(kind: 'sign' | 'verify', model: string, signature: string, key: string) {
  return { do: kind, model, signature, key };
}

function ask(tasks: readonly object[]): { ok: boolean }[] {
  const input = tasks.map((each) => `${JSON.stringify(each)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(values.python, [script], {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
