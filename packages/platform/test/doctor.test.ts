/** The doctor: well homes are told well, and what is broken is found with what to do about it. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Check, examine, lineOf } from '../src/doctor/doctor.ts';
import { makeRecovery } from '../src/keys/recovery.ts';
import { backupParts } from '../src/main.ts';
import { startTest, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTest();
  const { client } = await platform.person('owner');
  await sealedVersion(platform, client, { name: 'kept', files: { 'words.txt': utf8('words') } });
}, 60_000);
afterAll(() => platform.close());

async function told(
  home: string,
  options: Partial<Parameters<typeof examine>[0]> = {},
): Promise<Check[]> {
  const checks: Check[] = [];
  const parts = { secrets: {}, parts: backupParts, deep: true, onProgress: () => undefined };
  const { signal } = new AbortController();
  for await (const check of examine({ home, signal, ...parts, ...options })) checks.push(check);
  return checks;
}

const wrong = (checks: readonly Check[]) => checks.filter(({ ok }) => !ok).map(({ name }) => name);

describe('the doctor', () => {
  it('tells a well installation without a home', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'merlon-none-'));
    const checks = await told(folder);
    rmSync(folder, { recursive: true });
    expect(wrong(checks)).toEqual([]);
    expect(checks.map(({ name }) => name)).toContain('confined worker');
    expect(checks.map(({ name }) => name)).not.toContain('home');
  });
  it('asks for a recovery key, and is content with one', async () => {
    const before = await told(platform.home);
    expect(wrong(before)).toEqual(['root key']);
    expect(before.find(({ ok }) => !ok)?.hint).toContain('merlon keys recovery');
    await makeRecovery(platform.home, {});
    const after = await told(platform.home);
    expect(wrong(after)).toEqual([]);
    const line = after.find(({ name }) => name === 'objects and ledger');
    expect(line?.detail).toMatch(/^1 objects open to their digests, \d+ decisions verify$/);
    expect(after.find(({ name }) => name === 'home')?.detail).toContain('running at http');
    expect(readdirSync(platform.home).some((name) => name.startsWith('doctor-'))).toBe(false);
  });
  it('finds a home that is open to others', async () => {
    chmodSync(platform.home, 0o755);
    const checks = await told(platform.home, { deep: false });
    chmodSync(platform.home, 0o700);
    expect(wrong(checks)).toEqual(['home']);
    expect(lineOf(checks.find(({ ok }) => !ok) as Check)).toMatch(/^✗ home .*\n +→ .*chmod 700/);
  });
  it('finds an object that was changed', async () => {
    const folder = join(platform.home, 'blobs');
    const [name = ''] = readdirSync(folder).filter((each) => each.endsWith('.age'));
    const whole = readFileSync(join(folder, name));
    const changed = Buffer.from(whole);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    writeFileSync(join(folder, name), changed);
    const checks = await told(platform.home);
    writeFileSync(join(folder, name), whole);
    expect(wrong(checks)).toEqual(['objects and ledger']);
    expect(wrong(await told(platform.home))).toEqual([]);
  });
});
