/** The reference implementation (Python `model-signing`) verifies what we sign, and the reverse. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { digestOf, seeded, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  type Curve,
  generateSigningKey,
  type SignedFile,
  signManifest,
  verifyBundle,
} from '../../src/index.ts';
import { findProgram, runProgram, withFolder } from '../support.ts';

const oracles = process.env.MERLON_ORACLES;
const python = oracles === undefined ? findProgram('python3', 'PYTHON') : `${oracles}/bin/python`;
const present =
  python !== null && runProgram(python, ['-c', 'import model_signing, OpenSSL']).status === 0;
if (!present) console.warn('skipped: no Python with model-signing and pyopenssl (MERLON_ORACLES)');

interface Task {
  do: 'sign' | 'verify';
  model: string;
  signature: string;
  key: string;
}

function ask(tasks: readonly Task[]): { ok: boolean; error?: string }[] {
  const input = utf8(tasks.map((task) => `${JSON.stringify(task)}\n`).join(''));
  const script = join(import.meta.dirname, 'oracle.py');
  const result = runProgram(python ?? 'python3', [script], { input });
  if (result.status !== 0) throw new Error(result.stderr);
  const lines = new TextDecoder().decode(result.stdout).trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

function filesOf(folder: string): SignedFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      name: relative(folder, path),
      digest: digestOf(new Uint8Array(readFileSync(path))),
    }));
}

function writeTree(folder: string, seed: number): string[] {
  const random = seeded(seed);
  const steps = ['a', 'sub', 'sub-c.txt', 'Ünïcode', 'with space', "qu'ote", '\u{1F600}', 'z"z'];
  const names = new Set<string>();
  for (let i = 0; i < 6; i++) {
    const depth = random.integer(3);
    const path = Array.from({ length: depth }, () => `d${random.integer(3)}`);
    names.add([...path, `${steps[random.integer(steps.length)]}${i}`].join('/'));
  }
  for (const name of names) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(
      join(folder, name),
      new Uint8Array(random.integer(300)).fill(random.integer(256)),
    );
  }
  return [...names];
}

const mutations: ((folder: string, name: string) => void)[] = [
  (folder, name) => writeFileSync(join(folder, name), 'changed'),
  (folder, name) => rmSync(join(folder, name)),
  (folder, name) => renameSync(join(folder, name), join(folder, 'renamed')),
  (folder) => writeFileSync(join(folder, 'added'), ''),
  () => {},
];

describe.skipIf(!present)('the reference implementation', () => {
  it('agrees both ways on 15 trees, each mutated once', { timeout: 60_000 }, () =>
    withFolder((root) => {
      const curves: Curve[] = ['P-256', 'P-384', 'P-521'];
      const cases = Array.from({ length: 15 }, (_, i) => {
        const model = join(root, `model${i}`);
        mkdirSync(model);
        const names = writeTree(model, i);
        const pair = generateSigningKey({ curve: curves[i % 3] ?? 'P-256' });
        const at = (name: string) => join(root, `${i}.${name}`);
        writeFileSync(at('key'), pair.privateKeyPem);
        writeFileSync(at('pub'), pair.publicKeyPem);
        const options = { modelName: `model${i}`, privateKeyPem: pair.privateKeyPem };
        writeFileSync(at('ours'), signManifest(filesOf(model), options));
        return { model, names, pair, at, i };
      });
      ask(
        cases.map(({ model, at }) => ({
          do: 'sign',
          model,
          signature: at('theirs'),
          key: at('key'),
        })),
      );
      const judge = (): { ours: boolean[]; theirs: boolean[] } => {
        const asked = cases.flatMap(({ model, at }) =>
          ['ours', 'theirs'].map((by) => ({
            do: 'verify' as const,
            model,
            signature: at(by),
            key: at('pub'),
          })),
        );
        const ours = cases.flatMap(({ model, pair, at }) =>
          ['ours', 'theirs'].map((by) => {
            const text = readFileSync(at(by), 'utf8');
            const { publicKeyPem } = pair;
            return verifyBundle(text, filesOf(model), { publicKeyPem }).valid;
          }),
        );
        return { ours, theirs: ask(asked).map((answer) => answer.ok) };
      };
      const before = judge();
      expect(before.ours).toEqual(cases.flatMap(() => [true, true]));
      expect(before.theirs).toEqual(before.ours);
      for (const { model, names, i } of cases) mutations[i % 5]?.(model, names[0] ?? '');
      const after = judge();
      expect(after.theirs).toEqual(after.ours);
      expect(after.ours).toEqual(cases.flatMap(({ i }) => [i % 5 === 4, i % 5 === 4]));
    }),
  );
});
