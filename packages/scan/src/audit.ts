/**
 * The running audit of one file: what was found, what was not looked at and why, and what is left
 * of the limits. Readers write into it; they never decide the verdict.
 */
import { type ByteSource, type Finding, type Severity, safeEvidence } from '@merlon/core';
import type { ScanLimits } from './limits.ts';
import type { Policy } from './policy/classify.ts';
import { type RuleId, rules } from './rules.ts';

/** Something that was not looked at. */
export interface Skipped {
  /** Member path, empty for the file itself. */
  readonly member: string;
  readonly reason: string;
}

/** What was found at a place. */
export interface Observation {
  readonly evidence: string;
  /** Instead of the rule's own. */
  readonly severity?: Severity;
  /** Offset within the place. */
  readonly offset?: number;
  readonly length?: number;
  readonly pointer?: string;
  readonly cve?: readonly string[];
  readonly cwe?: readonly string[];
}

/** The state of an audit. */
export interface Audit {
  readonly path: string;
  readonly policy: Policy;
  readonly limits: ScanLimits;
  readonly formats: Set<string>;
  readonly findings: Finding[];
  findingsDropped: number;
  /** Reasons why the file was not read to its end. */
  readonly incomplete: Skipped[];
  /** Parts whose format has no reader. */
  readonly notUnderstood: Skipped[];
  /** Parts that need no reading (raw weights). */
  readonly dataBytes: { count: number };
  inflatedBytes: number;
  members: number;
  opcodes: number;
}

/** A region of bytes to audit: the file, a member of an archive, or what follows a stream. */
export interface Place {
  readonly audit: Audit;
  readonly source: ByteSource;
  /** Member path, outermost first, joined by `!`; empty for the file itself. */
  readonly member: string;
  /** Offset of the source within the member, added to what is reported. */
  readonly origin: number;
  /** True inside PyTorch archives, where pickles refer to storages beside them. */
  readonly torch?: boolean;
  /** True where raw numbers are expected and unknown content is no surprise. */
  readonly raw?: boolean;
  /** Archives around it. */
  readonly depth: number;
  /** Audits another region by its content; readers call it for what they contain. */
  readonly descend: (place: Place) => Promise<void>;
}

/** An empty audit. */
export function startAudit(path: string, policy: Policy, limits: ScanLimits): Audit {
  return {
    path,
    policy,
    limits,
    formats: new Set(),
    findings: [],
    findingsDropped: 0,
    incomplete: [],
    notUnderstood: [],
    dataBytes: { count: 0 },
    inflatedBytes: 0,
    members: 0,
    opcodes: 0,
  };
}

/** Tells a finding, bounded and escaped. The same finding at the same offset is told once. */
export function tell(place: Place, rule: RuleId, seen: Observation): void {
  const { audit } = place;
  const { severity, title, cwe, atlas, fix } = rules[rule];
  const finding: Finding = {
    rule,
    severity: seen.severity ?? severity,
    title,
    location: {
      path: audit.path,
      ...(place.member === '' ? {} : { member: safeEvidence(place.member, 400) }),
      ...(seen.offset === undefined ? {} : { offset: place.origin + seen.offset }),
      ...(seen.length === undefined ? {} : { length: seen.length }),
      ...(seen.pointer === undefined ? {} : { pointer: safeEvidence(seen.pointer) }),
    },
    evidence: safeEvidence(seen.evidence),
    cwe: seen.cwe ?? cwe,
    atlas,
    cve: seen.cve ?? [],
    fix,
  };
  const same = audit.findings.some(
    (each) =>
      each.rule === finding.rule &&
      each.evidence === finding.evidence &&
      each.location.offset === finding.location.offset &&
      each.location.member === finding.location.member,
  );
  if (same) return;
  if (audit.findings.length >= audit.limits.findingsMax) audit.findingsDropped++;
  else audit.findings.push(finding);
}

/** Notes that a part was not read to its end. */
export function giveUp(place: Place, reason: string): void {
  push(place.audit.incomplete, place, reason);
}

/** Notes that a part is of a format that has no reader. */
export function notUnderstood(place: Place, reason: string): void {
  push(place.audit.notUnderstood, place, reason);
}

/** The name of a member inside this place. */
export function memberName(place: Place, name: string): string {
  return place.member === '' ? name : `${place.member}!${name}`;
}

function push(list: Skipped[], place: Place, reason: string): void {
  // A list of parts is for people; beyond this it would only be a way to fill memory.
  if (list.length < 1000) list.push({ member: safeEvidence(place.member, 400), reason });
}
