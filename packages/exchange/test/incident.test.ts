import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type IncidentReport, incidentBundle, tlpLevels, uuidv5 } from '../src/index.ts';

const report: IncidentReport = {
  id: '0190aaaa-0000-7000-8000-000000000001',
  title: 'Somebody is extracting the model through its API',
  description: 'Synthetic queries from one key.',
  severity: 'high',
  technique: { id: 'AML.T0024.002', name: 'Extract AI Model' },
  organisation: 'Example Bank',
  fileDigests: [{ name: 'model.onnx', sha256: 'ab'.repeat(32) }],
  startedAt: '2026-11-23T10:00:00.000Z',
  detectedAt: '2026-11-23T10:00:05.000Z',
  containedAt: '2026-11-23T10:00:06.000Z',
  closedAt: '2026-11-23T11:00:00.000Z',
  detector: 'extraction-prada',
  observedQueries: 170,
  actions: ['Revoke the key', 'Tighten the guard'],
};

/** The validator lies in the folder of oracles that `.ci/run` makes, or on the path. */
function validator(): string | null {
  const own = join(process.env.MERLON_ORACLES ?? '', 'bin', 'stix2_validator');
  if (existsSync(own)) return own;
  const found = spawnSync('stix2_validator', ['--help']);
  return found.error === undefined ? 'stix2_validator' : null;
}

describe('an incident as STIX', () => {
  it('is the same bundle each time and differs by level only in its marking', () => {
    expect(incidentBundle(report, 'amber')).toEqual(incidentBundle(report, 'amber'));
    const marks = tlpLevels.map((level) => incidentBundle(report, level).objects[0]?.id);
    expect(new Set(marks).size).toBe(5);
    for (const object of incidentBundle(report, 'red').objects.slice(1)) {
      expect(object.object_marking_refs).toEqual([marks[4]]);
    }
  });
  it('tells nothing that was not put into the report', () => {
    const text = JSON.stringify(incidentBundle(report, 'green'));
    expect(text).toContain('AML.T0024.002');
    expect(text).toContain('ab'.repeat(32));
    expect(text).not.toContain(report.id);
  });
  it('refuses a report that does not hold together, with every fault', () => {
    const bad = {
      ...report,
      technique: { id: 'T1', name: 'x' },
      containedAt: '2026-11-23T09:00:00Z',
      fileDigests: [{ name: 'a', sha256: 'zz' }],
    };
    expect(() => incidentBundle(bad, 'red')).toThrow(
      '"technique" expected an ATLAS id, got "T1"; digest of "a" expected SHA-256; ' +
        '"containedAt" expected not before "detectedAt"',
    );
  });
  it('derives version 5 UUIDs as RFC 9562 does', () => {
    expect(uuidv5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });

  const program = validator();
  if (program === null) console.warn('skipped: stix2-validator is not installed');
  it.skipIf(program === null)('is valid at every TLP level', () => {
    const folder = mkdtempSync(join(tmpdir(), 'merlon-stix-'));
    const paths = tlpLevels.map((level) => join(folder, `${level}.json`));
    for (const [i, level] of tlpLevels.entries()) {
      writeFileSync(paths[i] ?? '', JSON.stringify(incidentBundle(report, level)));
    }
    const args = ['--version', '2.1', '--enforce-refs', ...paths];
    const { stdout, status } = spawnSync(program ?? '', args, { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(stdout.match(/STIX JSON: Valid/g)?.length).toBe(tlpLevels.length);
    expect(stdout).not.toContain('[X]');
    expect(status).toBe(0);
  });
});
