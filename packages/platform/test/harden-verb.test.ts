/** `merlon harden` and `merlon certify` on the digits, end to end in confined workers. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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

const short = ['--samples', '100', '--epochs', '1', '--epsilon', '0.05'];
const number = expect.any(Number);
const figures = { clean: number, pgd: number, robust: number };

describe('merlon harden', () => {
  it('tells figures before and after', () => {
    const [out, report] = [at('trades.onnx'), at('trades.html')];
    const wish = ['--method', 'trades', ...short, '--report', report, '-o', out];
    const { status, told } = merlon('harden', ...wish);
    expect(status).toBe(0);
    const { robust } = told.after as { robust: number };
    const html = readFileSync(report, 'utf8');
    expect(html).toContain(`<td>${(100 * robust).toFixed(1)} %</td></tr></tbody>`);
    expect(html.match(/<path class="line( second)?" d="M60/g)?.length).toBe(2);
    expect(html).toMatch(/What fooled it before[\s\S]*<img alt="\d" src="data:image\/png/);
    expect(existsSync(`${out}.checkpoint`)).toBe(false);
    const ended = { ended: 'all-epochs', keptEpoch: 1, steps: 2 };
    expect(told).toMatchObject({ before: figures, after: figures, epochs: 1, ...ended });
    expect([told.method, 'privacy' in told]).toEqual(['trades', false]);
    expect(readFileSync(out)).not.toEqual(readFileSync(digits));
  });
  it('dp-sgd tells what it spent', () => {
    const wish = ['--method', 'dp-sgd', '--privacy-epsilon', '6', '--batch-size', '100'];
    const files = ['--report', at('private.html'), '-o', at('private.onnx')];
    const { status, told } = merlon('harden', ...wish, ...short, ...files);
    expect(status).toBe(0);
    const { epsilon, delta, noiseMultiplier } = told.privacy as Record<string, number>;
    expect(epsilon).toBeLessThanOrEqual(6);
    expect(epsilon).toBeGreaterThan(5.9);
    expect([delta, (noiseMultiplier ?? 0) > 0.3]).toEqual([1e-5, true]);
    const promise = `<td>ε = ${epsilon?.toPrecision(4)} at δ = 0.00001</td>`;
    expect(readFileSync(at('private.html'), 'utf8')).toContain(promise);
  });
  it('goes on after kill -9 to the bytes of a run that nobody killed', async () => {
    const wish = ['--method', 'pgd-at', ...short, '--checkpoint-every', '1', '--batch-size', '10'];
    const [whole, cut] = [at('whole.onnx'), at('cut.onnx')];
    expect(merlon('harden', ...wish, '-o', whole).status).toBe(0);
    const args = [bin, 'harden', digits, '--data', mnist, ...wish, '-o', cut];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    while (!existsSync(`${cut}.checkpoint`) && child.exitCode === null) await delay(5);
    child.kill('SIGKILL');
    await ended;
    expect([existsSync(cut), existsSync(`${cut}.checkpoint`)]).toEqual([false, true]);
    const other = merlon('harden', ...wish, '--seed', '2', '-o', cut);
    const message = expect.stringContaining('belongs to a run of another model, rows, options');
    expect(other).toMatchObject({ status: 2, told: { error: { code: 'bad-request', message } } });
    expect(merlon('harden', ...wish, '-o', cut).status).toBe(0);
    expect(readFileSync(cut)).toEqual(readFileSync(whole));
    writeFileSync(`${cut}.checkpoint`, 'not one');
    const broken = merlon('harden', ...wish, '-o', cut).told.error as { hint: string };
    expect(broken.hint).toBe('remove it to begin anew');
  }, 120_000);
  it('keeps the last checkpoint when the loss stops being a number, and says why', () => {
    const rates = ['--learning-rate', '1000', '--weight-decay', '1', '--batch-size', '5'];
    const wish = [...rates, ...short, '--checkpoint-every', '1'];
    const { status, told } = merlon('harden', ...wish, '-o', at('kept.onnx'));
    expect(status).toBe(3);
    expect(told).toMatchObject({ ended: 'diverged', keptEpoch: 0 });
    expect(told.because).toMatch(/^the loss stopped being a number at step \d+; .*checkpoint were/);
    expect(existsSync(at('kept.onnx'))).toBe(true);
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
