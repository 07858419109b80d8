/** Which stored versions would change their verdict under another policy; nothing is kept of it. */
import type { OnProgress } from '@merlon/core';
import { type Change, compareReports, type FileReport, type PolicyDocument } from '@merlon/scan';
import { crashReport, scanConfined } from '../confine/scan-file.ts';
import type { ConfinedWorker } from '../confine/worker.ts';
import type { Version, VersionFile } from '../model.ts';
import type { Services } from '../services.ts';

/** Two policies; undefined is the shipped one. */
export interface PolicyPair {
  readonly before: PolicyDocument | undefined;
  readonly after: PolicyDocument | undefined;
}

/** A version with files that change. */
export interface ChangedVersion {
  readonly versionId: string;
  readonly changes: readonly Change[];
}

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 120_000;

/** Scans every file of the versions under both; versions without changes are left out. */
export async function policyDiff(
  services: Services,
  versions: readonly Version[],
  pair: PolicyPair,
  watched: { readonly signal: AbortSignal; readonly onProgress?: OnProgress },
): Promise<ChangedVersion[]> {
  const changed: ChangedVersion[] = [];
  for (const [done, version] of versions.entries()) {
    watched.onProgress?.({ label: 'scanning versions', done, total: versions.length });
    const [before, after]: [FileReport[], FileReport[]] = [[], []];
    for (const file of await services.store.files(version.id)) {
      before.push(await scanUnder(services, file, pair.before, watched.signal));
      after.push(await scanUnder(services, file, pair.after, watched.signal));
    }
    const changes = compareReports(before, after);
    if (changes.length > 0) changed.push({ versionId: version.id, changes });
  }
  return changed;
}

/** In a worker of its own, since one that died under one policy must not spoil the other. */
async function scanUnder(
  { keys, startWorker }: Services,
  file: VersionFile,
  policy: PolicyDocument | undefined,
  signal: AbortSignal,
): Promise<FileReport> {
  const { path, bytes } = file;
  const worker: ConfinedWorker = startWorker({ memoryBytesMax });
  const source = await keys.open(file);
  try {
    const request = { source, path, profile: 'ml', policy, signal, timeoutMs } as const;
    return (await scanConfined(worker, request)) ?? crashReport(path, bytes);
  } finally {
    await source.close();
    await worker.close();
  }
}
