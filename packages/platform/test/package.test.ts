/** What is published, installed from its tarballs alone in an empty folder, takes the tour. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isSlow = process.env.SLOW === '1';
if (!isSlow) console.warn('skipped: installing the published package takes minutes; set SLOW=1');

function run(program: string, args: readonly string[], cwd: string) {
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const ran = spawnSync(program, args, { cwd, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

describe.skipIf(!isSlow)('the published package', () => {
  it('installs without options, tells its version and takes the tour', () => {
    const packed = join(folder, 'packed');
    const made = run(process.execPath, [join(root, 'scripts/pack.ts'), packed], root);
    expect([made.status, made.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
    const tarballs = readdirSync(packed).map((name) => join(packed, name));
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const installed = run('npm', ['install', '--no-audit', '--no-fund', ...tarballs], folder);
    expect([installed.status, installed.stderr]).toEqual([0, expect.not.stringContaining('ERR')]);
    const merlon = (...args: string[]) =>
      run(process.execPath, [join(folder, 'node_modules/.bin/merlon'), ...args], folder);
    expect(merlon('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const tour = merlon('tour', '--home', join(folder, 'home'), '--json');
    const { steps } = JSON.parse(tour.stdout) as { steps: { step: string; ok: boolean }[] };
    expect(steps.filter(({ ok }) => !ok)).toEqual([]);
    expect(new Set(steps.map(({ step }) => step)).size).toBe(10);
    expect(tour.status).toBe(0);
  }, 600_000);
});
