/** Reports of a running platform, for people and for programs, each read by somebody else. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memorySource, utf8 } from '@merlon/core';
import { scanSource, toCycloneDx } from '@merlon/scan';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMultitool, sarifFaults } from '../../core/test/sarif-multitool.ts';
import type { Sighting } from '../src/model.ts';
import { runMerlon } from './support/merlon.ts';
import { startTest, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

const python = join(process.env.MERLON_ORACLES ?? 'none', 'bin/python');
const hasPython =
  existsSync(python) && spawnSync(python, ['-c', 'import cyclonedx.validation.json']).status === 0;
if (!hasPython) console.warn('skipped: no Python with cyclonedx-python-lib (MERLON_ORACLES)');
const validate = `
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(str(fault)[:2000] if fault else 0)
`;

const folder = mkdtempSync(join(tmpdir(), 'merlon-report-'));
const at = (name: string): string => join(folder, name);
let platform: TestPlatform;
let env: Record<string, string> = {};
let id = '';
let data = '';

const finding = (versionId: string): Sighting => ({
  ...{ rule: 'MRL-PKL-001', severity: 'critical', title: 'loading calls <b>a function</b>' },
  ...{ location: { path: 'w.pkl', offset: 3 }, evidence: 'posix.system("x") & more' },
  ...{ cwe: ['CWE-502'], atlas: ['AML.T0011'], cve: ['CVE-2025-1'], fix: 'do not load it' },
  ...{ id: 'f1', versionId, trackId: null, digest: null, goneAt: null },
  createdAt: '2026-11-26T00:00:00Z',
});

beforeAll(async () => {
  platform = await startTest();
  const { client } = await platform.person('owner');
  const { store } = platform.running.platform.services;
  const words = { files: { 'words.txt': utf8('some words') } };
  data = (await sealedVersion(platform, client, { name: 'rows', kind: 'data', ...words })).id;
  id = (await sealedVersion(platform, client, { name: 'scorer', ...words })).id;
  await store.linkData({ versionId: id, dataVersionId: data, use: 'test' });
  await store.replaceSightings(id, [finding(id)]);
  await store.putStep({
    ...{ versionId: id, step: 'assess', state: 'done' },
    ...{ startedAt: '2026-11-26T10:00:00Z', finishedAt: '2026-11-26T10:01:00Z' },
    result: {
      ...{ cleanAccuracy: 0.97, robustAccuracy: 0.125, samples: 8 },
      attacks: [{ name: 'pgd', norm: 'linf', epsilon: 0.1, robustAccuracy: 0.25 }],
    },
  });
  const body = { name: 'reports', scope: 'platform', role: 'auditor' };
  const { key } = await client.ask('POST', '/api/v1/keys', body);
  env = { MERLON_API_KEY: String(key) };
}, 60_000);
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true, force: true });
});

const report = (...args: string[]) => runMerlon(['report', '--home', platform.home, ...args], env);

describe('a report', () => {
  it('shows people every version, escaped, with figures and what to do', async () => {
    const { status, told } = await report('-o', at('all.html'));
    expect([status, told]).toEqual([0, expect.stringContaining('2 versions, 0 incidents')]);
    const page = readFileSync(at('all.html'), 'utf8');
    expect(page).toContain('scorer 1');
    expect(page).toContain('rows 1 (data)');
    expect(page).toContain('97.0 %');
    expect(page).toContain('pgd, linf 0.1');
    expect(page).toContain('loading calls &lt;b&gt;a function&lt;/b&gt;');
    expect(page).toContain('do not load it');
    expect(page).not.toContain('<b>a function');
    expect(page).not.toMatch(/<script|https?:/);
  });
  it('of one version brings the data that it names', async () => {
    const { told } = await report(id, '--format', 'json');
    const { versions } = JSON.parse(told) as { versions: { id: string; digest: string }[] };
    expect(versions.map((version) => version.id)).toEqual([id, data]);
    const other = await report('nothing', '--format', 'json');
    expect([other.status, other.told]).toEqual([2, expect.stringContaining('no version')]);
  });
  it('is SARIF with a place for each finding', async () => {
    const { told } = await report('--format', 'sarif');
    const { runs } = JSON.parse(told) as { runs: { results: { ruleId: string }[] }[] };
    expect(runs[0]?.results.map(({ ruleId }) => ruleId)).toEqual(['MRL-PKL-001']);
    expect(told).toContain('scorer/1/w.pkl');
    if (hasMultitool) expect(sarifFaults(JSON.parse(told))).toEqual([]);
  });
  it('is a bill with model card, lineage, hashes and findings', async () => {
    await report('--format', 'cyclonedx', '-o', at('bill.json'));
    const bill = JSON.parse(readFileSync(at('bill.json'), 'utf8'));
    const [model] = bill.components.filter((one: { type: string }) => one.type !== 'data');
    expect(model.modelCard.modelParameters.datasets).toEqual([{ ref: data }]);
    expect(model.modelCard.quantitativeAnalysis.performanceMetrics).toEqual([
      { type: 'accuracy', value: '0.97' },
      { type: 'robust accuracy', value: '0.125' },
      { type: 'robust accuracy', value: '0.25', slice: 'pgd, linf 0.1' },
    ]);
    expect(model.hashes[0].content).toMatch(/^[0-9a-f]{64}$/);
    expect(bill.dependencies).toContainEqual({ ref: id, dependsOn: [data] });
    expect(bill.vulnerabilities[0].affects).toEqual([{ ref: id }]);
  });
});

describe.skipIf(!hasPython)('the strict validator of CycloneDX', () => {
  it('takes the bill of the estate', () => {
    const ran = spawnSync(python, ['-c', validate, at('bill.json')], { encoding: 'utf8' });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });
  it('takes the bill of a scan', async () => {
    const content = utf8("cos\nsystem\n(S'echo inert'\ntR.");
    const scanned = { path: 'w.pkl', profile: 'ml' } as const;
    const found = await scanSource(memorySource(content), scanned);
    writeFileSync(at('scan.json'), JSON.stringify(toCycloneDx([found])));
    const ran = spawnSync(python, ['-c', validate, at('scan.json')], { encoding: 'utf8' });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });
});
