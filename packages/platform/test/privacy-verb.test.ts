/** `merlon privacy` on the digits and the loans, end to end in a confined worker. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PrivacyOutput } from '../src/confine/tasks/privacy.ts';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const at = (name: string): string => join(root, name);

function privacy(...args: string[]) {
  const env = { PATH: process.env.PATH ?? '' };
  const given = [bin, 'privacy', ...args];
  const { status, stdout } = spawnSync(process.execPath, given, { encoding: 'utf8', env });
  return { status, stdout };
}

describe('merlon privacy', () => {
  const digits = [
    at('models/digits-cnn.onnx'),
    ...['--members', at('data/mnist-train.npz'), '--nonmembers', at('data/mnist-test.npz')],
    ...['--samples', '300'],
  ];
  it('tells membership, inversion beside its baseline, and extraction against queries', () => {
    const { status, stdout } = privacy(...digits, '--json');
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as PrivacyOutput;
    expect(told.membership?.members).toBe(300);
    expect(told.membership?.auc).toBeGreaterThan(0.4);
    expect(told.membership?.auc).toBeLessThan(0.6);
    expect(told.inversion?.classes).toHaveLength(10);
    expect(told.inversion?.baseline).toBeGreaterThan(0.7);
    expect(told.inversion?.gain).toBeCloseTo(
      (told.inversion?.correlation ?? 0) - (told.inversion?.baseline ?? 0),
      9,
    );
    expect(told.extraction.agreement).toBeGreaterThan(0.6);
    expect(told.because).toEqual({});
    expect(privacy(...digits, '--json').stdout).toBe(stdout);
  });
  it('shows people each figure beside what needs no model', () => {
    const { stdout } = privacy(...digits);
    expect(stdout).toContain('without a model');
    expect(stdout).toMatch(/inversion, correlation with class means +-?0\.\d+ +0\.[78]\d+/);
  });
  it('says what trees do not let it measure', () => {
    const { status, stdout } = privacy(
      at('models/loans.onnx'),
      ...['--members', at('data/loans-train.csv'), '--nonmembers', at('data/loans-test.csv')],
      ...['--constraints', at('models/loans.schema.json'), '--samples', '200', '--json'],
    );
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as PrivacyOutput;
    expect(told.inversion).toBeNull();
    expect(told.because.inversion).toMatch(/trees are flat/);
    expect(told.membership?.auc).toBeGreaterThan(0);
  });
});
