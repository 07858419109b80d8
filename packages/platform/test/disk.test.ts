/** A disk that is full or cannot be written, on a small file system that the test mounts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const bin = fileURLToPath(new URL('../src/cli/merlon.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));
const script = fileURLToPath(new URL('support/full-disk.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-disk-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs shell lines in a mount namespace of their own, with a file system of `size` in `$DISK`. */
function onDisk(size: string, lines: readonly string[]) {
  const mount = `mount -t tmpfs -o size=${size} tmpfs "$DISK"`;
  return spawnSync('unshare', ['-rm', 'sh', '-c', [mount, ...lines].join('\n')], {
    encoding: 'utf8',
    timeout: 60_000,
    env: {
      PATH: process.env.PATH ?? '',
      DISK: folder,
      MERLON: `${process.execPath} ${bin}`,
      DIGITS: join(root, 'models/digits-cnn.onnx'),
    },
  });
}

const canMount = onDisk('64k', ['true']).status === 0;
if (!canMount) console.warn('skipped: this machine lets nobody mount a file system of their own');

const verbs: readonly string[] = [
  '$MERLON start --port 0 --home $DISK/home',
  '$MERLON tour --home $DISK/tour',
  '$MERLON gradient $DIGITS -o $DISK/gradient.onnx',
  '$MERLON keys new -o $DISK/key.txt',
];

describe.skipIf(!canMount)('a disk', () => {
  it.each(verbs.slice(0, 3))('that is full: %s', (line) => {
    const ran = onDisk('64k', [line, 'code=$?', 'ls $DISK | grep -v home', 'exit $code']);
    expect(ran.stderr).toMatch(/^merlon: the disk is full: .*\n +free some space, then try again/);
    expect(ran.status).toBe(2);
    expect(ran.stdout).not.toMatch(/\.part|\.onnx/);
  });
  it.each(verbs)('that is read-only: %s', (line) => {
    const ran = onDisk('64k', ['mount -o remount,ro $DISK', line]);
    expect(ran.stderr).toMatch(/^merlon: cannot (use|write) ".*read-only file system.*\n +\S/);
    expect(ran.status).toBe(2);
  });
  it('that is full at the first start, and again under the platform, loses nothing', () => {
    const ran = onDisk('8m', [`${process.execPath} ${script} $DISK`]);
    const said = JSON.parse(ran.stdout) as Record<string, unknown>;
    expect(said).toMatchObject({
      begun: 'no-space',
      upload: { status: 507, code: 'no-space' },
      again: 201,
      ledger: { valid: true },
    });
    expect(said.files).toHaveLength(1);
  }, 60_000);
});
