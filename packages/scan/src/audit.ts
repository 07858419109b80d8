/**
 * The running audit of one file: what was found, what was not looked at and why, and what is left
 * of the limits. Readers write into it; they never decide the verdict.
 */
import { type ByteSource, type Finding, type Severity, safeEvidence, windowOf } from '@merlon/core';
import type { Advisories } from './advisories.ts';
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
  /** Known vulnerabilities, where the caller has them. */
  readonly advisories?: Advisories;
  /** When the audit must have ended, and a clock; none without one. */
  readonly deadline?: { readonly atMs: number; readonly nowMs: () => number };
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
export function startAudit(
  path: string,
  policy: Policy,
  limits: ScanLimits,
  more: Pick<Audit, 'advisories' | 'deadline'> = {},
): Audit {
  return {
    ...more,
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

/** True once the audit has taken as long as it may. */
export function isLate({ deadline }: Audit): boolean {
  return deadline !== undefined && deadline.nowMs() > deadline.atMs;
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

/** Tells that archives lie inside each other deeper than the limit; what is inside is not read. */
export function tooDeep(place: Place): void {
  tell(place, 'MRL-ARC-010', { evidence: `more than ${place.audit.limits.depthMax} levels` });
  giveUp(place, 'nested too deeply');
}

/** Notes that a part is of a format that has no reader. */
export function notUnderstood(place: Place, reason: string): void {
  push(place.audit.notUnderstood, place, reason);
}

/** Tells bytes that follow the end of the content, and audits them by what they are. */
export async function scanTrailing(place: Place, at: number, rule: RuleId): Promise<void> {
  const size = place.source.size - at;
  tell(place, rule, { evidence: `${size} bytes`, offset: at, length: size });
  if (place.depth >= place.audit.limits.depthMax) {
    tooDeep(place);
    return;
  }
  const source = windowOf(place.source, at, size);
  const inside = { origin: place.origin + at, depth: place.depth + 1, raw: true };
  await place.descend({ ...place, ...inside, source });
}

/** The name of a member inside this place. */
export function memberName(place: Place, name: string): string {
  return place.member === '' ? name : `${place.member}!${name}`;
}

function push(list: Skipped[], place: Place, reason: string): void {
  // A list of parts is for people; beyond this it would only be a way to fill memory.
  if (list.length < 1000) list.push({ member: safeEvidence(place.member, 400), reason });
}
