/** `merlon-scan`: its options, its exit codes, what it accepts; run as people run it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { optionHelp } from '../src/command/options.ts';
import { matches, readIgnore } from '../src/ignore.ts';
import { readAdvisories, toCycloneDx } from '../src/index.ts';
import { bytes, callWithText, global, scan } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const main = join(import.meta.dirname, '../src/command/main.ts');
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const own = bytes('\x80\x02', global('acme.layers', 'Dense'), ')\x81}b.');
mkdirSync(join(folder, 'models'));
writeFileSync(join(folder, 'models/evil.pkl'), evil);
writeFileSync(join(folder, 'models/own.pkl'), own);
writeFileSync(join(folder, 'models/good.json'), '{"a": 1}');
writeFileSync(join(folder, 'policy.json'), '{"version":"own","libraries":["acme.layers"]}');
writeFileSync(join(folder, 'accepted'), 'models/evil.pkl MRL-PKL-001 # known\nown.pkl # passed\n');

function run(words: readonly string[], input?: Uint8Array) {
  const ran = spawnSync(process.execPath, [main, ...words], { cwd: folder, input });
  return { exit: ran.status, out: ran.stdout.toString(), error: ran.stderr.toString() };
}

describe('merlon-scan', () => {
  it('tells what it found by its exit code', () => {
    expect(run(['models/good.json']).exit).toBe(0);
    expect(run(['models']).exit).toBe(1);
    expect(run(['models/own.pkl']).exit).toBe(0);
    expect(run(['models/own.pkl', '--fail-on', 'medium']).exit).toBe(1);
    expect(run(['nowhere']).exit).toBe(2);
    expect(run(['models', '--frmat', 'json']).exit).toBe(2);
  });
  it('reads patterns and standard input', () => {
    const { out } = run(['models/*.json', '--json']);
    expect(JSON.parse(out)).toMatchObject({ files: [{ path: 'models/good.json' }] });
    expect(run(['-'], evil).exit).toBe(1);
  });
  it('never follows a link, and tells one to a private file', () => {
    mkdirSync(join(folder, 'links'));
    symlinkSync('/etc/shadow', join(folder, 'links/w.bin'));
    expect(run(['links'])).toMatchObject({ exit: 1, out: expect.stringContaining('MRL-LNK-001') });
    rmSync(join(folder, 'links/w.bin'));
    symlinkSync('../models/good.json', join(folder, 'links/a.json'));
    expect(run(['links']).exit).toBe(3);
  });
  it('answers errors in JSON when asked', () => {
    expect(JSON.parse(run(['nowhere', '--json']).out)).toMatchObject({
      error: { code: 'not-found', message: '"nowhere" does not exist' },
    });
  });
  it('takes a policy, and shows what it changes', () => {
    expect(run(['models/own.pkl', '--policy', 'policy.json', '--fail-on', 'low']).exit).toBe(0);
    const { out, exit } = run(['models', '--policy-diff', 'policy.json']);
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toEqual({
      changes: [
        {
          path: 'models/own.pkl',
          before: { verdict: 'flagged', worst: 'medium' },
          after: { verdict: 'clean', worst: 'note' },
          added: ['MRL-PKL-010'],
          removed: ['MRL-PKL-004'],
        },
      ],
    });
  });
  it('accepts what .merlonignore says, and says so', () => {
    const { out, exit } = run(['models/evil.pkl', 'models/own.pkl', '--ignore', 'accepted']);
    expect(exit).toBe(0);
    expect(out).toContain('accepted models/evil.pkl MRL-PKL-001: known');
    expect(out).toContain('passed over models/own.pkl: passed');
  });
  it('has every option in its help and its documentation', () => {
    const { out } = run(['--help']);
    const page = readFileSync(join(import.meta.dirname, '../../../docs/scan.md'), 'utf8');
    const reference = readFileSync(join(import.meta.dirname, '../../../docs/reference.md'), 'utf8');
    for (const name of Object.keys(optionHelp)) {
      expect(out).toContain(`--${name}`);
      expect(page).toContain(`\`--${name}\``);
      expect(reference).toContain(`\`--${name}\``);
    }
  });
});

describe('.merlonignore', () => {
  it('wants a reason for everything', () => {
    expect(() => readIgnore('a.pkl MRL-PKL-001\n')).toThrow('line 1 expected "# reason"');
    expect(() => readIgnore('a.pkl PKL # why\n')).toThrow('expected rule ids, got "PKL"');
  });
  it.each([
    ['*.pkl', 'a/b.pkl', true],
    ['a/*.pkl', 'a/b.pkl', true],
    ['a/*.pkl', 'a/c/b.pkl', false],
    ['a/**/b.pkl', 'a/c/d/b.pkl', true],
    ['old/', 'x/old/y.pkl', true],
    ['/old/', 'x/old/y.pkl', false],
    ['a.pkl', 'aXpkl', false],
  ])('%s and %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });
});

describe('advisories', () => {
  const row = {
    id: 'GHSA-1',
    aliases: ['CVE-2025-32434'],
    affected: [
      {
        package: { ecosystem: 'PyPI', name: 'torch' },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.6.0' }] }],
      },
    ],
  };
  it('hold for versions inside their range', () => {
    const advisories = readAdvisories(JSON.stringify(row));
    for (const version of ['1.0', '2.5.1', '2.6.0rc1']) {
      expect(advisories.affecting('Torch', version), version).toEqual(['CVE-2025-32434']);
    }
    for (const version of ['2.6.0', '2.10.0']) {
      expect(advisories.affecting('torch', version), version).toEqual([]);
    }
    expect(() => readAdvisories('{}')).toThrow('expected OSV documents');
  });
  it('are told where a file names the version', async () => {
    const advisories = readAdvisories(`${JSON.stringify(row)}\n${JSON.stringify(row)}`);
    const content = bytes('numpy==1.26\ntorch==2.1.0\n');
    const report = await scan(content, { path: 'requirements.txt', advisories });
    expect(report.findings).toMatchObject([
      {
        rule: 'MRL-ADV-001',
        evidence: 'torch 2.1.0: CVE-2025-32434',
        location: { pointer: 'line 2' },
      },
    ]);
  });
});

describe('the bill of materials', () => {
  it('names files, findings and what they affect', async () => {
    const bill = toCycloneDx([await scan(evil, { path: 'a.pkl' })], { sha256: { 'a.pkl': 'ab' } });
    expect(bill).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      components: [{ name: 'a.pkl', hashes: [{ alg: 'SHA-256', content: 'ab' }] }],
      vulnerabilities: [{ id: 'MRL-PKL-001', affects: [{ ref: 'file-0' }], cwes: [502, 94] }],
    });
  });
});
