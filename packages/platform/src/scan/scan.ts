/**
 * Scan: every file of a version is audited in a confined worker, by content. Only a clean verdict
 * lets a version go on; a worker that dies over a file is a finding, never an outage.
 */
import { type Finding, isoTime, MerlonError, severityRank, uuidv7 } from '@merlon/core';
import { type FileReport, policyVersion } from '@merlon/scan';
import type { ConfinedWorker } from '../confine/worker.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { TrackedFinding, VersionFile } from '../model.ts';
import type { Services } from '../services.ts';

/** The step. */
export const scanStep: JobStep = { name: 'scan', perform };

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 120_000;

/** The verdict over several files: the worst of them. */
const worstFirst = ['flagged', 'incomplete', 'not-understood', 'clean'] as const;

async function perform({ services, version, onProgress, signal }: JobContext): Promise<Outcome> {
  const { store, clock, startWorker } = services;
  const files = await store.files(version.id);
  const reports: FileReport[] = [];
  let worker = startWorker({ memoryBytesMax });
  try {
    for (const file of files) {
      onProgress({ label: `scanning ${file.path}`, done: reports.length, total: files.length });
      const report = await scanFile(services, { worker, file, signal });
      if (report === null) {
        signal.throwIfAborted();
        await worker.close();
        worker = startWorker({ memoryBytesMax });
      }
      reports.push(report ?? crashed(file));
    }
  } finally {
    await worker.close();
  }
  const verdict = worstFirst.find((each) => reports.some((r) => r.verdict === each)) ?? 'clean';
  const createdAt = isoTime(clock.nowMs());
  const findings = reports
    .flatMap((report) => report.findings)
    .map((finding): TrackedFinding => {
      return { ...finding, id: uuidv7(clock), versionId: version.id, state: 'open', createdAt };
    });
  return {
    state: verdict === 'clean' ? 'done' : 'refused',
    result: {
      verdict,
      files: reports.length,
      findings: findings.length,
      formats: [...new Set(reports.flatMap((report) => report.formats))].join(', '),
      worst: worstOf(findings, reports),
      policy: policyVersion,
    },
    commit: (tx) => tx.replaceFindings(version.id, findings),
  };
}

/** The sentence that says best why a version goes no further. */
function worstOf(findings: readonly TrackedFinding[], reports: readonly FileReport[]): string {
  const [worst] = [...findings].sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
  if (worst !== undefined) return worst.title;
  const [skipped] = reports.flatMap(({ path, coverage }) =>
    [...coverage.incomplete, ...coverage.notUnderstood].map(({ member, reason }) => {
      return `${path}${member === '' ? '' : `!${member}`}: ${reason}`;
    }),
  );
  return skipped ?? '';
}

/** The report of one file, or null when the worker did not survive it. */
async function scanFile(
  { keys }: Services,
  at: { worker: ConfinedWorker; file: VersionFile; signal: AbortSignal },
): Promise<FileReport | null> {
  const clear = await keys.open(at.file);
  try {
    const input = { path: at.file.path, profile: 'ml' };
    const { signal } = at;
    return await at.worker.call<FileReport>('scan', input, {
      sources: { file: clear },
      signal,
      timeoutMs,
    });
  } catch (error) {
    if (error instanceof MerlonError && error.code === 'worker-failed') return null;
    throw error;
  } finally {
    await clear.close();
  }
}

function crashed(file: VersionFile): FileReport {
  const finding: Finding = {
    rule: 'MRL-SCAN-001',
    severity: 'high',
    title: 'the scanner did not survive this file',
    location: { path: file.path },
    evidence: `${file.bytes} bytes`,
    cwe: ['CWE-400'],
    atlas: ['AML.T0029'],
    cve: [],
    fix: 'treat the file as hostile; obtain it again from its source',
  };
  return {
    path: file.path,
    size: file.bytes,
    formats: [],
    verdict: 'incomplete',
    findings: [finding],
    coverage: {
      bytes: 0,
      dataBytes: 0,
      members: 0,
      incomplete: [{ member: '', reason: 'the worker died' }],
      notUnderstood: [],
      findingsDropped: 0,
      policy: policyVersion,
    },
  };
}
