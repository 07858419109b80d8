/**
 * Scan: every file of a version is audited in a confined worker, by content. Only a clean verdict
 * lets a version go on, or one whose every finding a person has accepted; a worker that dies over a
 * file is a finding, never an outage.
 */
import { atLeast, type Finding, memorySource, severityRank, utf8 } from '@merlon/core';
import { type FileReport, policyVersion } from '@merlon/scan';
import { advisoriesOf, advisoriesText, type KeptAdvisories } from '../audit/advisories.ts';
import { crashReport, type ScanRequest, scanConfined } from '../confine/scan-file.ts';
import type { ConfinedWorker } from '../confine/worker.ts';
import { acceptedOf, observe } from '../findings/findings.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { Version, VersionFile } from '../model.ts';
import type { Services } from '../services.ts';

/** The step. */
export const scanStep: JobStep = { name: 'scan', perform };

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 120_000;

/** The verdict over several files: the worst of them. */
const worstFirst = ['flagged', 'incomplete', 'not-understood', 'clean'] as const;

async function perform({ services, version, onProgress, signal }: JobContext): Promise<Outcome> {
  const { store, startWorker } = services;
  const files = await store.files(version.id);
  const kept = await advisoriesOf(store, version.workspaceId);
  const advisories = kept === null ? undefined : await advisoriesFor(services, version, kept);
  const reports: FileReport[] = [];
  let worker = startWorker({ memoryBytesMax });
  try {
    for (const file of files) {
      onProgress({ label: `scanning ${file.path}`, done: reports.length, total: files.length });
      const report = await scanFile(services, { worker, file, advisories, signal });
      if (report === null) {
        await worker.close();
        worker = startWorker({ memoryBytesMax });
      }
      reports.push(report ?? crashReport(file.path, file.bytes));
    }
  } finally {
    await worker.close();
  }
  return outcomeOf(services, version, { files, reports, advisories: kept?.digest ?? null });
}

async function advisoriesFor(
  { store }: Services,
  { workspaceId }: Version,
  { digest }: KeptAdvisories,
): Promise<ScanRequest['advisories']> {
  return { digest, source: memorySource(utf8(await advisoriesText(store, workspaceId))) };
}

async function outcomeOf(
  services: Services,
  version: Version,
  scanned: {
    readonly files: readonly VersionFile[];
    readonly reports: readonly FileReport[];
    readonly advisories: string | null;
  },
): Promise<Outcome> {
  const { files, reports, advisories } = scanned;
  const verdict = worstFirst.find((each) => reports.some((r) => r.verdict === each)) ?? 'clean';
  const findings = reports.flatMap((report) => report.findings);
  const digests = new Map(files.map(({ path, digest }) => [path, digest]));
  const seen = {
    ...({ source: 'scan', version, findings } as const),
    complete: reports.every(wasRead),
    digestFor: ({ location }: Finding) => digests.get(location.path ?? '') ?? null,
  };
  const accepted = await acceptedOf(services, seen);
  const lived = findings.filter((each) => atLeast(each, 'medium')).every((f) => accepted.has(f));
  return {
    state: verdict === 'clean' || (seen.complete && lived) ? 'done' : 'refused',
    result: {
      verdict,
      files: reports.length,
      findings: findings.length,
      accepted: accepted.size,
      formats: [...new Set(reports.flatMap((report) => report.formats))].join(', '),
      worst: worstOf(findings, reports),
      policy: policyVersion,
      ...(advisories === null ? {} : { advisories }),
    },
    commit: async (tx) => void (await observe(services, tx, seen)),
  };
}

/** Only a file that was read to its end, and understood, shows what is not in it. */
function wasRead({ coverage }: FileReport): boolean {
  const { incomplete, notUnderstood, findingsDropped } = coverage;
  return incomplete.length === 0 && notUnderstood.length === 0 && findingsDropped === 0;
}

/** The sentence that says best why a version goes no further. */
function worstOf(findings: readonly Finding[], reports: readonly FileReport[]): string {
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
  at: Pick<ScanRequest, 'advisories' | 'signal'> & { worker: ConfinedWorker; file: VersionFile },
): Promise<FileReport | null> {
  const source = await keys.open(at.file);
  try {
    const { advisories, signal } = at;
    const { path } = at.file;
    const request = { source, path, profile: 'ml', advisories, signal, timeoutMs } as const;
    return await scanConfined(at.worker, request);
  } finally {
    await source.close();
  }
}
