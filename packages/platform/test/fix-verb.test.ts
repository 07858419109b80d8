/** `merlon fix` as a process, on files of PyTorch, archives and ONNX models with files beside. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  elementTypes,
  floatsIn,
  node,
  type OnnxModel,
  openSession,
  readOnnx,
  writeOnnx,
} from '@merlon/graph';
import { afterAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-fix-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function merlon(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args, '--json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const json = stdout === '' ? null : JSON.parse(stdout);
  return { status, json, stderr };
}

/** A model whose weights stand in a file beside it. */
function withFileBeside(location: string): Uint8Array {
  const entry = (key: string, value: string): number[] => {
    const pair = [10, key.length, ...Buffer.from(key), 18, value.length, ...Buffer.from(value)];
    return [106, pair.length, ...pair];
  };
  const rest = Uint8Array.from([...entry('location', location), 112, 1]);
  const value = (name: string) => ({ name, elementType: elementTypes.float32, shape: ['N', 2] });
  const model: OnnxModel = {
    ...{ irVersion: 8, opsets: [{ domain: '', version: 13 }], producer: 'someone' },
    rest: new Uint8Array(0),
    graph: {
      ...{ name: 'net', nodes: [node('Mul', ['x', 'w'], ['y'])], values: [] },
      initializers: [
        {
          ...{ name: 'w', elementType: elementTypes.float32, shape: [2] },
          ...{ data: new Uint8Array(0), rest },
        },
      ],
      ...{ inputs: [value('x')], outputs: [value('y')], rest: new Uint8Array(0) },
    },
  };
  return writeOnnx(model);
}

describe('merlon fix', () => {
  it('writes weights as safetensors, tells what stays behind, and audits them', () => {
    const from = join(root, 'vectors/fix/calls-print.pt');
    const { status, json } = merlon('fix', from, '-o', 'weights.safetensors');
    expect(status).toBe(0);
    expect(json).toMatchObject({ input: from, output: 'weights.safetensors', verdict: 'clean' });
    expect(json.changes[0]).toBe('1 tensor written as safetensors');
    expect(json.changes[1]).toMatch(/^left out "x"/);
    const again = merlon('fix', from, '-o', 'weights.safetensors');
    expect([again.status, again.json.error.code]).toEqual([2, 'conflict']);
    expect(merlon('fix', from, '-o', 'weights.safetensors', '--force').status).toBe(0);
  });
  it('tells what an archive still holds after it was written anew', () => {
    const from = join(root, 'vectors/fix/calls-print.pt');
    const { status, json } = merlon('fix', from, '-o', 'plain.pt');
    expect([status, json.verdict]).toEqual([1, 'flagged']);
  });
  it('brings the files beside an ONNX model into it', async () => {
    mkdirSync(at('model/parts'), { recursive: true });
    writeFileSync(at('model/net.onnx'), withFileBeside('parts/w.bin'));
    const missing = merlon('fix', 'model/net.onnx', '-o', 'net.onnx');
    expect(missing.json.error.message).toMatch(/w\.bin" does not exist/);
    const weights = Buffer.from(Float32Array.of(2, -3).buffer);
    writeFileSync(at('model/parts/w.bin'), weights);
    const { status, json } = merlon('fix', 'model/net.onnx', '-o', 'net.onnx');
    expect(status).toBe(0);
    expect(json.changes[0]).toBe('1 tensors kept beside the model brought into it');
    const file = new Uint8Array(readFileSync(at('net.onnx')));
    const [tensor] = readOnnx(file).graph.initializers;
    expect(tensor === undefined ? [] : [...floatsIn(tensor)]).toEqual([2, -3]);
    const session = await openSession(file);
    const x = { type: 'float32', shape: [1, 2], data: Float32Array.of(1, 1) } as const;
    const { y } = await session.run({ x });
    expect(y?.data).toEqual(Float32Array.of(2, -3));
    await session.close();
  });
  it('follows no link out of the folder of a model', () => {
    mkdirSync(at('linked'));
    copyFileSync(join(root, 'package.json'), at('secret'));
    symlinkSync('../secret', at('linked/w.bin'));
    writeFileSync(at('linked/net.onnx'), withFileBeside('w.bin'));
    const { status, json } = merlon('fix', 'linked/net.onnx', '-o', 'out.onnx');
    expect([status, json.error.code]).toEqual([2, 'unsafe']);
    writeFileSync(at('linked/up.onnx'), withFileBeside('../secret'));
    const up = merlon('fix', 'linked/up.onnx', '-o', 'out.onnx');
    expect([up.status, up.json.error.code]).toEqual([2, 'invalid-model']);
  });
});
