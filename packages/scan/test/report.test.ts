/** Reports, their order and their forms. */
import { isJsonObject } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { hasMultitool, sarifFaults } from '../../core/test/sarif-multitool.ts';
import { policyVersion, rules, scanSource, summarize, toSarif, toText } from '../src/index.ts';
import { bytes, callWithText, scan, zip } from './support.ts';

const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo\ninert'), '.');
const bad = await scan(zip([{ name: 'a b/data.pkl', content: evil }]), { path: 'dir/my model.pt' });
const good = await scan(bytes('\x80\x02}.'), { path: 'good.pkl' });
const unknown = await scan(bytes('\xfe\xff\x00\x01'), { path: 'x.bin' });

describe('a report', () => {
  it('tells what, where, how bad, and what to do', () => {
    expect(bad).toMatchObject({
      path: 'dir/my model.pt',
      verdict: 'flagged',
      formats: ['torch-zip'],
    });
    expect(bad.findings[0]).toEqual({
      rule: 'MRL-PKL-001',
      severity: 'critical',
      title: 'loading calls a dangerous function',
      location: { path: 'dir/my model.pt', member: 'a b/data.pkl', offset: 26 },
      evidence: 'os.system("echo\\ninert") (starts or stops processes)',
      cwe: ['CWE-502', 'CWE-94'],
      atlas: ['AML.T0011.000', 'AML.T0010'],
      cve: [],
      fix: 'do not load it; treat the machine that did as compromised',
    });
    expect(good.coverage).toEqual({
      bytes: 4,
      dataBytes: 0,
      members: 0,
      incomplete: [],
      notUnderstood: [],
      findingsDropped: 0,
      policy: policyVersion,
    });
  });

  it('is bounded in its findings, and says so', async () => {
    const many = Array.from({ length: 300 }, (_, i) => callWithText('os', `f${i}`, 'x'));
    const report = await scan(bytes('\x80\x02', ...many, '.'), { limits: { findingsMax: 10 } });
    expect(report.findings).toHaveLength(10);
    expect(report.coverage.findingsDropped).toBe(290);
  });

  it('is refused for a profile that does not exist', async () => {
    const source = { size: 0, read: async () => new Uint8Array(0) };
    const options = { path: 'x', profile: 'lax' as 'ml' };
    await expect(scanSource(source, options)).rejects.toMatchObject({
      code: 'bad-profile',
      message: '"profile" expected ml or strict, got "lax"',
    });
  });

  it('passes errors of the source through', async () => {
    const source = { size: 9, read: () => Promise.reject(new Error('disk gone')) };
    await expect(scanSource(source, { path: 'x', profile: 'ml' })).rejects.toThrow('disk gone');
  });
});

describe('many reports', () => {
  const all = [bad, good, unknown];
  it('have a summary', () => {
    expect(summarize(all)).toEqual({
      files: 3,
      bytes: bad.size + 4 + 4,
      verdicts: { clean: 1, flagged: 1, 'not-understood': 1, incomplete: 0 },
      findings: { note: 0, low: 0, medium: 0, high: 0, critical: 1 },
      worst: 'critical',
    });
    expect(summarize([]).worst).toBeNull();
  });

  it('have a text', () => {
    expect(toText(all)).toBe(
      [
        'flagged        dir/my model.pt (torch-zip)',
        '  critical MRL-PKL-001 loading calls a dangerous function',
        '           a b/data.pkl byte 26: os.system("echo\\ninert") (starts or stops processes)',
        '           → do not load it; treat the machine that did as compromised',
        'clean          good.pkl (pickle)',
        'not-understood x.bin (unknown)',
        '  not read unknown content',
        '3 files: 1 clean, 1 flagged, 1 not-understood',
        '',
      ].join('\n'),
    );
  });

  it('have a SARIF log', () => {
    const log = toSarif(all);
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'merlon', rules: [{ id: 'MRL-PKL-001' }] } },
          artifacts: [{ location: { uri: 'dir/my%20model.pt' } }, {}, {}],
          results: [
            {
              ruleId: 'MRL-PKL-001',
              ruleIndex: 0,
              level: 'error',
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: 'dir/my%20model.pt', index: 0 } },
                  logicalLocations: [{ fullyQualifiedName: 'a b/data.pkl' }],
                },
              ],
              partialFingerprints: { 'merlon/v1': expect.stringMatching(/^[0-9a-f]{64}$/) },
            },
          ],
          invocations: [
            {
              executionSuccessful: true,
              toolExecutionNotifications: [
                { message: { text: 'not-understood: unknown content' } },
              ],
            },
          ],
        },
      ],
    });
    expect(isJsonObject(JSON.parse(JSON.stringify(log)))).toBe(true);
    if (hasMultitool) expect(sarifFaults(log)).toEqual([]);
  });
});

describe('rules', () => {
  it('have an id, a title, a remedy and known references', () => {
    for (const [id, rule] of Object.entries(rules)) {
      expect(id).toMatch(/^MRL-[A-Z]{3}-\d{3}$/);
      expect(rule.title.length).toBeGreaterThan(10);
      expect(rule.fix.length).toBeGreaterThan(5);
      for (const cwe of rule.cwe) expect(cwe).toMatch(/^CWE-\d+$/);
      for (const technique of rule.atlas) expect(technique).toMatch(/^AML\.T\d{4}(\.\d{3})?$/);
    }
  });
});
