/**
 * Reports as a CycloneDX 1.6 bill of materials: every file a component of the machine learning kind
 * with its hash, every finding a vulnerability that affects it.
 */
import { atLeast, digestHex, digestOf, type Finding, type JsonObject, utf8 } from '@merlon/core';
import { rules } from '../rules.ts';
import type { FileReport } from '../scan.ts';

/** What the bill needs besides the reports. */
export interface BillOptions {
  /** Hexadecimal SHA-256 of each file by its path, where it is known. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** When the bill was made, in ISO 8601. */
  readonly timestamp?: string;
}

const dataFormats = new Set(['csv', 'parquet', 'arrow', 'idx', 'npy', 'npz', 'png', 'jpeg']);
const scores = { note: 0, low: 3, medium: 5.5, high: 8, critical: 9.8 } as const;

/** The bill, ready for `JSON.stringify`; the same reports give the same serial number. */
export function toCycloneDx(
  reports: readonly FileReport[],
  { sha256 = {}, timestamp }: BillOptions = {},
): JsonObject {
  const print = digestOf(utf8(JSON.stringify(reports.map(({ path, size }) => [path, size]))));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(digestHex(print))}`,
    version: 1,
    metadata: {
      ...(timestamp === undefined ? {} : { timestamp }),
      tools: { components: [{ type: 'application', name: 'merlon', version: '0.1.0' }] },
    },
    components: reports.map((report, index) => componentOf(report, index, sha256[report.path])),
    vulnerabilities: vulnerabilitiesOf(reports),
  };
}

function componentOf(report: FileReport, index: number, hash: string | undefined): JsonObject {
  const isData = report.formats.length > 0 && report.formats.every((each) => dataFormats.has(each));
  return {
    type: isData ? 'data' : 'machine-learning-model',
    'bom-ref': refOf(index),
    name: report.path,
    ...(hash === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: hash }] }),
    properties: [
      { name: 'merlon:verdict', value: report.verdict },
      { name: 'merlon:formats', value: report.formats.join(', ') },
      { name: 'merlon:bytes', value: String(report.size) },
      { name: 'merlon:policy', value: report.coverage.policy },
    ],
  };
}

function vulnerabilitiesOf(reports: readonly FileReport[]): JsonObject[] {
  const byRule = new Map<string, { finding: Finding; refs: Set<string>; count: number }>();
  for (const [index, report] of reports.entries()) {
    for (const finding of report.findings) {
      if (!atLeast(finding, 'low')) continue;
      const key = `${finding.rule} ${finding.severity}`;
      const known = byRule.get(key) ?? { finding, refs: new Set<string>(), count: 0 };
      known.refs.add(refOf(index));
      known.count++;
      byRule.set(key, known);
    }
  }
  return [...byRule.entries()].map(([key, { finding, refs, count }]) => {
    const known = Object.hasOwn(rules, finding.rule) ? finding : { ...finding, cwe: [] };
    const ref = `finding:${key}`;
    return vulnerabilityOf(known, { ref, count, affects: [...refs], state: 'in_triage' });
  });
}

/** Where a finding stands in a bill. */
export interface VulnerabilityPlace {
  readonly ref: string;
  /** How often it was found. */
  readonly count: number;
  /** References of the components that it affects. */
  readonly affects: readonly string[];
  readonly state: 'in_triage' | 'exploitable' | 'resolved';
}

/** A finding as a vulnerability of a bill. */
export function vulnerabilityOf(finding: Finding, place: VulnerabilityPlace): JsonObject {
  const { rule, severity, title, evidence, fix, cwe, cve } = finding;
  return {
    'bom-ref': place.ref,
    id: rule,
    source: { name: 'merlon' },
    description: `${title} (${place.count} times), first: ${evidence}`,
    recommendation: fix,
    ratings: [
      {
        severity: severity === 'note' ? 'info' : severity,
        score: scores[severity],
        method: 'other',
      },
    ],
    cwes: cwe.map((each) => Number(each.slice(4))).filter((number) => number > 0),
    references: cve.map((id) => ({ id, source: { name: 'CVE' } })),
    affects: place.affects.map((ref) => ({ ref })),
    analysis: { state: place.state },
  };
}

function refOf(index: number): string {
  return `file-${index}`;
}

/** Sixteen bytes of a digest in the form of RFC 9562, version 8 (a value of our own making). */
function uuidOf(hex: string): string {
  const digits = `${hex.slice(0, 12)}8${hex.slice(13, 16)}a${hex.slice(17, 32)}`;
  return [8, 12, 16, 20, 32]
    .map((end, i, ends) => digits.slice(i === 0 ? 0 : ends[i - 1], end))
    .join('-');
}
