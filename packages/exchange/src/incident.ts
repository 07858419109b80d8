/**
 * A closed incident as a STIX 2.1 bundle (OASIS Standard, 2021): the incident with its timeline,
 * the ATLAS technique as attack-pattern, what was attacked, what was seen, and what helped.
 */
import { createHash } from 'node:crypto';
import { fromHex, type JsonObject } from '@merlon/core';
import { ExchangeError } from './error.ts';
import { type Tlp, tlpMarking } from './tlp.ts';

/** What is told of an incident; nothing else leaves the house. */
export interface IncidentReport {
  /** Identifier within the home, from which all STIX identifiers are derived. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  /** MITRE ATLAS technique id and name. */
  readonly technique: { readonly id: string; readonly name: string };
  /** Name of the organisation that shares. */
  readonly organisation: string;
  /** SHA-256 of the attacked model's files, in hexadecimal. */
  readonly fileDigests: readonly { readonly name: string; readonly sha256: string }[];
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly containedAt: string;
  readonly closedAt: string;
  readonly detector: string;
  readonly observedQueries: number;
  /** What was done, in order. */
  readonly actions: readonly string[];
}

/** A STIX bundle. */
export interface StixBundle {
  readonly type: 'bundle';
  readonly id: string;
  readonly objects: readonly JsonObject[];
}

const namespace = 'c3c3a7f0-8f2b-5a53-9d3e-1f6a2b7c4d5e';
const incidentCore = 'extension-definition--ef765651-680c-498d-9894-99799f2fa126';
const criticality = { low: 25, medium: 50, high: 75, critical: 100 } as const;

/** The bundle of an incident under a TLP level; throws `bad-report` with every fault. */
export function incidentBundle(report: IncidentReport, tlp: Tlp): StixBundle {
  checkReport(report);
  const marking = tlpMarking(tlp);
  const at = report.closedAt;
  const author = stixId('identity', report.organisation);
  const common = (type: string, name: string): JsonObject => ({
    type,
    spec_version: '2.1',
    id: stixId(type, `${report.id}/${name}`),
    created_by_ref: author,
    created: at,
    modified: at,
    object_marking_refs: [marking.id],
  });
  const files = report.fileDigests.map(({ name, sha256 }) => ({
    type: 'file',
    spec_version: '2.1',
    // Deterministic identifiers of observables have a namespace of their own (section 2.9).
    id: `file--${uuidv5('00abedb4-aa42-466c-9c01-fed23315a9b7', canonicalFile(name, sha256))}`,
    hashes: { 'SHA-256': sha256 },
    name,
    object_marking_refs: [marking.id],
  }));
  const technique = { ...common('attack-pattern', 'technique'), ...techniqueOf(report) };
  const incident = { ...common('incident', 'incident'), ...incidentOf(report) };
  const action = {
    ...common('course-of-action', 'actions'),
    name: 'Containment that was carried out',
    description: report.actions.join('; '),
  };
  const observed = {
    ...common('observed-data', 'observed'),
    first_observed: report.startedAt,
    last_observed: report.detectedAt,
    number_observed: Math.max(1, Math.min(999_999_999, report.observedQueries)),
    object_refs: files.map((file) => file.id),
  };
  const relate = (source: JsonObject, verb: string, target: JsonObject): JsonObject => ({
    ...common('relationship', `${source.id} ${verb} ${target.id}`),
    relationship_type: verb,
    source_ref: source.id ?? '',
    target_ref: target.id ?? '',
  });
  const objects: JsonObject[] = [
    marking as unknown as JsonObject,
    { ...identityOf(report, author, marking.id) },
    technique,
    incident,
    action,
    observed,
    ...files,
    relate(incident, 'related-to', technique),
    relate(incident, 'related-to', observed),
    relate(action, 'mitigates', technique),
  ];
  return { type: 'bundle', id: stixId('bundle', `${report.id}/${tlp}`), objects };
}

function identityOf(report: IncidentReport, id: string, marking: string): JsonObject {
  return {
    type: 'identity',
    spec_version: '2.1',
    id,
    created_by_ref: id,
    created: report.closedAt,
    modified: report.closedAt,
    name: report.organisation,
    identity_class: 'organization',
    object_marking_refs: [marking],
  };
}

function techniqueOf({ technique }: IncidentReport): JsonObject {
  return {
    name: technique.name,
    external_references: [
      {
        source_name: 'mitre-atlas',
        external_id: technique.id,
        url: `https://atlas.mitre.org/techniques/${technique.id}`,
      },
    ],
  };
}

function incidentOf(report: IncidentReport): JsonObject {
  return {
    name: report.title,
    description: report.description,
    extensions: {
      [incidentCore]: {
        extension_type: 'property-extension',
        determination: 'suspected',
        investigation_status: 'closed',
        criticality: criticality[report.severity],
        detection_methods: ['automated-tool'],
        recoverability: ['regular'],
      },
    },
    labels: [
      `detector:${report.detector}`,
      `started:${report.startedAt}`,
      `detected:${report.detectedAt}`,
      `contained:${report.containedAt}`,
    ],
  };
}

function checkReport(report: IncidentReport): void {
  const faults: string[] = [];
  if (!/^AML\.T\d{4}(\.\d{3})?$/.test(report.technique.id)) {
    faults.push(`"technique" expected an ATLAS id, got "${report.technique.id}"`);
  }
  for (const { name, sha256 } of report.fileDigests) {
    if (!/^[0-9a-f]{64}$/.test(sha256)) faults.push(`digest of "${name}" expected SHA-256`);
  }
  if (report.fileDigests.length === 0) faults.push('"fileDigests" expected at least one file');
  const times = ['startedAt', 'detectedAt', 'containedAt', 'closedAt'] as const;
  for (const [i, name] of times.entries()) {
    const time = Date.parse(report[name]);
    if (Number.isNaN(time)) faults.push(`"${name}" expected a time, got "${report[name]}"`);
    const before = times[i - 1];
    if (before !== undefined && time < Date.parse(report[before])) {
      faults.push(`"${name}" expected not before "${before}"`);
    }
  }
  if (faults.length > 0) throw new ExchangeError('bad-report', faults.join('; '));
}

/** A STIX identifier that is the same each time for the same name. */
export function stixId(type: string, name: string): string {
  return `${type}--${uuidv5(namespace, `${type}/${name}`)}`;
}

/** UUID version 5 (RFC 9562, section 5.5). */
export function uuidv5(space: string, name: string): string {
  const hash = createHash('sha1')
    .update(fromHex(space.replaceAll('-', '')))
    .update(name)
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const text = hash.toString('hex').slice(0, 32);
  const cuts = [0, 8, 12, 16, 20, 32];
  return cuts
    .slice(1)
    .map((end, i) => text.slice(cuts[i], end))
    .join('-');
}

/** Contributing properties of a file in canonical JSON (section 6.7). */
function canonicalFile(name: string, sha256: string): string {
  return `{"hashes":{"SHA-256":"${sha256}"},"name":${JSON.stringify(name)}}`;
}
