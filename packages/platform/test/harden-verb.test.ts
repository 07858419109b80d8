/** `merlon harden` and `merlon certify` on the digits, end to end in confined workers. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const digits = join(root, 'models/digits-cnn.onnx');
const mnist = join(root, 'data/mnist-test.npz');
const folder = mkdtempSync(join(tmpdir(), 'merlon-harden-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function merlon(verb: string, ...args: readonly string[]) {
  const given = [bin, verb, digits, '--data', mnist, '--json', ...args];
  const env = { PATH: process.env.PATH ?? '' };
  const { status, stdout } = spawnSync(process.execPath, given, { encoding: 'utf8', env });
  return { status, told: JSON.parse(stdout) as Record<string, unknown> };
}

const short = ['--samples', '300', '--epochs', '1', '--epsilon', '0.05'];
const figures = { clean: expect.any(Number), robust: expect.any(Number) };

describe('merlon harden', () => {
  it('tells figures before and after', () => {
    const out = at('trades.onnx');
    const { status, told } = merlon('harden', '--method', 'trades', ...short, '-o', out);
    expect(status).toBe(0);
    const ended = { ended: 'all-epochs', keptEpoch: 1, steps: 6 };
    expect(told).toMatchObject({ before: figures, after: figures, epochs: 1, ...ended });
    expect([told.method, 'privacy' in told]).toEqual(['trades', false]);
    expect(readFileSync(out)).not.toEqual(readFileSync(digits));
  });
  it('dp-sgd tells what it spent', () => {
    const wish = ['--method', 'dp-sgd', '--privacy-epsilon', '6', '--batch-size', '100'];
    const { status, told } = merlon('harden', ...wish, ...short, '-o', at('private.onnx'));
    expect(status).toBe(0);
    const { epsilon, delta, noiseMultiplier } = told.privacy as Record<string, number>;
    expect(epsilon).toBeLessThanOrEqual(6);
    expect(epsilon).toBeGreaterThan(5.9);
    expect([delta, (noiseMultiplier ?? 0) > 0.3]).toEqual([1e-5, true]);
  });
  it('writes nothing when the loss stops being a number in the first epoch', () => {
    const out = at('lost.onnx');
    const rates = ['--learning-rate', '1000', '--weight-decay', '1', '--batch-size', '5'];
    const { status, told } = merlon('harden', ...rates, ...short, '-o', out);
    expect(status).toBe(2);
    expect(told.error).toMatchObject({ code: 'diverged', hint: 'use a smaller learning rate' });
    expect(existsSync(out)).toBe(false);
  });
});

describe('merlon certify', () => {
  it('tells the curve that it was asked for', () => {
    const wish = ['--sigma', '0.25', '--n', '200', '--n0', '20', '--samples', '8'];
    const { status, told } = merlon('certify', ...wish);
    expect(status).toBe(0);
    expect(told).toMatchObject({ sigma: 0.25, n: 200, alpha: 0.001, samples: 8 });
    const curve = told.curve as { radius: number; certifiedAccuracy: number }[];
    expect(curve[0]).toEqual({ radius: 0, certifiedAccuracy: expect.any(Number) });
    expect(curve.map(({ radius }) => radius)).toContain(0.25);
    expect(merlon('certify', ...wish).told).toEqual(told);
  });
});
