import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { startServe, stopServe } from '../support/served.ts';
import { echo, mixed, onnxTypes, type TypeName, treePipeline } from './models.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-oracle-'));
const script = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const python = join(process.env.MERLON_ORACLES ?? '', 'bin/python');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const models = {
  // The client takes BF16 only from a library of its own for such arrays.
  types: echo((Object.keys(onnxTypes) as TypeName[]).filter((type) => type !== 'BF16')),
  mixed: mixed(),
  trees: treePipeline(),
};

describe('tritonclient', () => {
  const hasOracle = existsSync(python);
  if (!hasOracle) console.warn('skipped: tritonclient is not installed (MERLON_ORACLES)');
  it.skipIf(!hasOracle).each([
    ['types', 12, 2],
    ['mixed', 8, 3],
    ['trees', 4, 2],
  ] as const)(
    'reads and writes what "%s" takes and gives',
    async (name, rest, grpc) => {
      const path = join(folder, `${name}.onnx`);
      writeFileSync(path, models[name]);
      const guard = join(folder, `${name}.json`);
      // No more is rounded than the client is told to expect.
      writeFileSync(guard, name === 'trees' ? '{"output":{"decimals":2}}' : '{}');
      const keys = join(folder, `${name}.keys`);
      writeFileSync(keys, 'a-key\n');
      const given = ['--guard', guard, '--key-file', keys, '--grpc-port', '0'];
      const served = await startServe(path, ...given);
      try {
        const run = (file: string, host: string) =>
          spawnSync(python, [script(file), host, 'a-key', name], { encoding: 'utf8' });
        const port = /speaks gRPC at (\S+)\n/.exec(served.said())?.[1] ?? '';
        for (const [ran, count] of [
          [run('triton_types.py', new URL(served.url).host), rest],
          [run('triton_grpc.py', port), grpc],
        ] as const) {
          expect([ran.status, ran.stderr]).toEqual([0, '']);
          expect(ran.stdout.trim()).toBe(`${name}: ${count} answers are right`);
        }
      } finally {
        expect(await stopServe(served)).toBe(0);
      }
    },
    60_000,
  );
});
