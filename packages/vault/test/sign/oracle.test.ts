/** The reference implementation (Python `model-signing`) verifies what we sign, and the reverse. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { digestOf, seeded, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  bundleHashing,
  type Curve,
  certificateSigner,
  generateSigningKey,
  type Hashing,
  type SignedFile,
  signManifest,
  startFileDigest,
  verifyBundle,
} from '../../src/index.ts';
import { findProgram, runProgram, withFolder } from '../support.ts';
import { authority, forSigning, makeCertificate, openssl } from './certificates.ts';

const oracles = process.env.MERLON_ORACLES;
const python = oracles === undefined ? findProgram('python3', 'PYTHON') : `${oracles}/bin/python`;
const present =
  python !== null && runProgram(python, ['-c', 'import model_signing, OpenSSL']).status === 0;
if (!present) console.warn('skipped: no Python with model-signing and pyopenssl (MERLON_ORACLES)');

interface Task {
  do: 'sign' | 'verify';
  model: string;
  signature: string;
  key?: string;
  certificate?: string;
  chain?: readonly string[];
  roots?: readonly string[];
  hashing?: { algorithm: string; shard?: number };
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

  it('agrees on shards and on other hashes', { timeout: 60_000 }, () =>
    withFolder((root) => {
      const pair = generateSigningKey();
      writeFileSync(join(root, 'key'), pair.privateKeyPem);
      writeFileSync(join(root, 'pub'), pair.publicKeyPem);
      const model = join(root, 'model');
      mkdirSync(model);
      writeTree(model, 4);
      writeFileSync(join(model, 'empty'), '');
      const kinds = [
        { algorithm: 'blake2' },
        { algorithm: 'blake3' },
        { algorithm: 'sha256', shard: 100 },
        { algorithm: 'blake2', shard: 64 },
      ];
      const tasks = kinds.map((hashing, i) => {
        return { model, signature: join(root, `${i}.sig`), hashing };
      });
      const signed = ask(tasks.map((task) => ({ ...task, do: 'sign', key: join(root, 'key') })));
      expect(signed).toEqual(tasks.map(() => ({ ok: true })));
      const ours = (): boolean[] =>
        tasks.map(({ signature }) => {
          const text = readFileSync(signature, 'utf8');
          const files = hashedFiles(model, bundleHashing(text));
          return verifyBundle(text, files, { publicKeyPem: pair.publicKeyPem }).valid;
        });
      const theirs = (): boolean[] =>
        ask(tasks.map((task) => ({ ...task, do: 'verify', key: join(root, 'pub') }))).map(
          ({ ok }) => ok,
        );
      expect(theirs()).toEqual(tasks.map(() => true));
      expect(ours()).toEqual(tasks.map(() => true));
      writeFileSync(join(model, 'planted'), '');
      // An empty file has no shards: the reference lets it pass, and strict verification does not.
      expect(theirs()).toEqual([false, false, true, true]);
      expect(ours()).toEqual(theirs());
      const [, , sharded] = tasks.map(({ signature }) => readFileSync(signature, 'utf8'));
      const files = hashedFiles(model, bundleHashing(sharded ?? ''));
      const strict = verifyBundle(sharded ?? '', files, {
        publicKeyPem: pair.publicKeyPem,
        strict: true,
        present: [...filesOf(model).map(({ name }) => name)],
      });
      expect(strict.errors.map(({ name }) => name)).toEqual(['empty', 'planted']);
    }),
  );

  it.skipIf(openssl === null)('agrees on certificates', { timeout: 60_000 }, () =>
    withFolder((root) => {
      const at = (name: string): string => join(root, name);
      makeCertificate(root, { name: 'ca', extensions: authority });
      makeCertificate(root, { name: 'issuer', issuer: 'ca', extensions: authority });
      for (const [name, curve, to] of [
        ['leaf', 'P-384', '20400101000000Z'],
        ['old', 'P-256', '20260101000000Z'],
      ] as const) {
        makeCertificate(root, { name, curve, to, issuer: 'issuer', extensions: forSigning });
      }
      const model = at('model');
      mkdirSync(model);
      writeTree(model, 9);
      const files = filesOf(model);
      const verdicts = ['leaf', 'old'].map((name) => {
        const pem = (each: string): string => readFileSync(at(`${each}.pem`), 'utf8');
        const signer = certificateSigner(
          readFileSync(at(`${name}.key`), 'utf8'),
          pem(name) + pem('issuer'),
        );
        writeFileSync(at(`${name}.ours`), signManifest(files, { modelName: 'model', signer }));
        const theirs = { certificate: at(`${name}.pem`), chain: [at('issuer.pem')] };
        const key = at(`${name}.key`);
        const [made] = ask([
          { do: 'sign', model, signature: at(`${name}.theirs`), key, ...theirs },
        ]);
        expect(made).toEqual({ ok: true });
        return ['ours', 'theirs'].map((by) => {
          const signature = at(`${name}.${by}`);
          const [asked] = ask([{ do: 'verify', model, signature, roots: [at('ca.pem')] }]);
          const trust = { certificatesPem: pem('ca'), atMs: Date.UTC(2026, 10, 25) };
          const { valid } = verifyBundle(readFileSync(signature, 'utf8'), files, trust);
          return { reference: asked?.ok, ours: valid };
        });
      });
      // The reference takes an expired certificate at its own beginning; the standard forbids it.
      expect(verdicts).toEqual([
        Array.from({ length: 2 }, () => ({ reference: true, ours: true })),
        Array.from({ length: 2 }, () => ({ reference: true, ours: false })),
      ]);
    }),
  );
});

function hashedFiles(folder: string, { algorithm, shardBytes }: Hashing): SignedFile[] {
  return filesOf(folder).flatMap(({ name }) => {
    const bytes = new Uint8Array(readFileSync(join(folder, name)));
    const digest = (part: Uint8Array): string => {
      const running = startFileDigest(algorithm);
      running.update(part);
      return running.finish();
    };
    if (shardBytes === null) return [{ name, digest: digest(bytes) }];
    return Array.from({ length: Math.ceil(bytes.length / shardBytes) }, (_, i) => {
      const [start, end] = [i * shardBytes, Math.min(bytes.length, (i + 1) * shardBytes)];
      return { name: `${name}:${start}:${end}`, digest: digest(bytes.subarray(start, end)) };
    });
  });
}
