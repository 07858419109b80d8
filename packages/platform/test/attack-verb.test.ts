import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { hasMultitool, sarifFaults } from '../../core/test/sarif-multitool.ts';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const digits = join(root, 'models/digits-cnn.onnx');
const robust = join(root, 'vectors/attack/robust-digits.onnx');
const mnist = join(root, 'data/mnist-test.npz');
const data = ['--data', mnist, '--epsilon', '0.1'];
const folder = mkdtempSync(join(tmpdir(), 'merlon-attack-'));
const at = (name: string): string => join(folder, name);
const env = { PATH: process.env.PATH ?? '' };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function attack(...args: readonly string[]) {
  const given = [bin, 'attack', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, given, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

interface Told {
  readonly attacks: readonly Record<string, unknown>[];
  readonly robustAccuracy: number;
  readonly findings: readonly Record<string, unknown>[];
}

/** What a run told, without the times that it took. */
function timeless(stdout: string) {
  const { attacks, ...rest } = JSON.parse(stdout) as Told & { seconds: number };
  return { ...rest, seconds: 0, attacks: attacks.map((each) => ({ ...each, seconds: 0 })) };
}

describe('merlon attack', () => {
  it('finds a model that withstands less than policy asks, and says so in SARIF', () => {
    const wish = [digits, ...data, '--attacks', 'fgsm', '--samples', '60'];
    const below = attack(...wish, '--robust-min', '0.99', '--json');
    expect(below.status).toBe(1);
    const { findings, robustAccuracy } = JSON.parse(below.stdout) as Told;
    expect(robustAccuracy).toBeLessThan(0.99);
    expect(findings).toMatchObject([
      { rule: 'MRL-ATK-001', severity: 'high', location: { path: digits }, cwe: ['CWE-1039'] },
    ]);
    const sarif = attack(...wish, '--robust-min', '0.99', '--format', 'sarif');
    expect(sarif.status).toBe(1);
    const { version, runs } = JSON.parse(sarif.stdout) as Record<string, unknown>;
    expect([version, runs]).toMatchObject([
      '2.1.0',
      [{ results: [{ ruleId: 'MRL-ATK-001', ruleIndex: 0, level: 'error' }] }],
    ]);
    // A model as a whole has no place in its bytes, which the validator would like to see.
    const faults = hasMultitool ? sarifFaults(JSON.parse(sarif.stdout)) : [];
    expect(faults.filter((fault) => !fault.startsWith('SARIF2017'))).toEqual([]);
    const severe = attack(...wish, '--robust-min', '0.99', '--fail-on', 'critical');
    expect([severe.status, severe.stdout]).toEqual([0, expect.stringContaining('policy 99.0 %')]);
    const held = attack(...wish, '--robust-min', '0.1', '--json');
    expect([held.status, (JSON.parse(held.stdout) as Told).findings]).toEqual([0, []]);
  });
  it('aims at a class by its name, and refuses what is none', () => {
    const wish = [digits, ...data, '--attacks', 'pgd', '--samples', '60', '--seed', '4', '--json'];
    const [any, aimed] = [attack(...wish), attack(...wish, '--target', '8')];
    const share = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as Told).robustAccuracy;
    // To reach one class is harder than to leave another.
    expect(share(aimed)).toBeGreaterThan(share(any));
    const none = attack(digits, ...data, '--target', 'nine');
    expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/got "nine"\n.*0, 1, 2/)]);
  });
  it('opens a sealed model and sealed data into memory, to the same verdict', () => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8', env, cwd: folder });
    const { recipient } = JSON.parse(run('keys', 'new', '-o', 'me.txt', '--json').stdout);
    run('seal', digits, '-r', recipient, '-o', 'model.onnx.age');
    run('seal', mnist, '-r', recipient, '-o', 'data.npz.age');
    const wish = ['--attacks', 'fgsm', '--samples', '30', '--json'];
    const sealed = ['attack', 'model.onnx.age', '--data', 'data.npz.age', ...wish];
    const opened = run(...sealed, '-i', 'me.txt');
    expect(timeless(opened.stdout)).toEqual(
      timeless(attack(digits, '--data', mnist, ...wish).stdout),
    );
    const closed = run(...sealed);
    expect([closed.status, closed.stdout]).toEqual([2, expect.stringContaining('is sealed')]);
    run('keys', 'new', '-o', 'other.txt');
    const wrong = run(...sealed, '-i', 'other.txt');
    expect([wrong.status, wrong.stdout]).toEqual([2, expect.stringContaining('cannot open')]);
    expect(readdirSync(folder).filter((name) => name.startsWith('data'))).toEqual(['data.npz.age']);
  });
  it('reads a table in Parquet', () => {
    const schema = ['--constraints', join(root, 'models/loans.schema.json')];
    const rows = ['--data', join(root, 'vectors/data/loans-zstd.parquet')];
    const wish = ['--suite', 'tabular', '--samples', '10', '--json'];
    const { status, stdout } = attack(join(root, 'models/loans.onnx'), ...rows, ...schema, ...wish);
    expect([status, (JSON.parse(stdout) as { samples: number }).samples]).toEqual([0, 10]);
  });
  it('reads a folder of pictures for each class', () => {
    for (const [name, picture] of [
      ['2', 'grey.png'],
      ['10', 'grey.png'],
    ] as const) {
      mkdirSync(at(`pictures/${name}`), { recursive: true });
      copyFileSync(join(root, 'vectors/data/pictures', picture), at(`pictures/${name}/a.png`));
    }
    const { status, stderr } = attack(digits, '--data', at('pictures'));
    expect([status, stderr]).toEqual([2, expect.stringMatching(/\[1, 28, 28\]/)]);
    mkdirSync(at('none'));
    const none = attack(digits, '--data', at('none'));
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('got 0 pictures')]);
  });
  it('goes on after kill -9 from the folder it saves to, to the same verdict', async () => {
    const attacks = ['--attacks', 'fgsm,pgd,noise,square', '--samples', '40', '--queries', '2000'];
    const wish = [digits, ...data, ...attacks, '--json'];
    const save = at('cut-off');
    const whole = attack(...wish);
    expect(attack(...wish, '--save', save, '--samples', '5').status).toBe(0);
    const child = spawn(process.execPath, [bin, 'attack', ...wish, '--save', save], {
      stdio: 'ignore',
      env,
    });
    const exited = once(child, 'exit');
    const checkpoint = join(save, 'checkpoint.json');
    await new Promise<void>((resolve) => {
      const watcher = watch(save, () => {
        if (!existsSync(checkpoint)) return;
        watcher.close();
        resolve();
      });
    });
    child.kill('SIGKILL');
    await exited;
    const kept = JSON.parse(readFileSync(checkpoint, 'utf8')) as { finished: unknown[] };
    expect(kept.finished.length).toBeGreaterThan(0);
    expect(kept.finished.length).toBeLessThan(4);
    const other = attack(robust, ...wish.slice(1), '--save', save);
    expect([other.status, other.stdout]).toEqual([2, expect.stringContaining('checkpoint')]);
    const resumed = attack(...wish, '--save', save);
    expect(resumed.stderr).toBe('');
    expect(timeless(resumed.stdout)).toEqual(timeless(whole.stdout));
    expect(readdirSync(save)).toContain('report.html');
    expect(existsSync(checkpoint)).toBe(false);
  });
});
