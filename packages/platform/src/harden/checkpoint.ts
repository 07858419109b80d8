/**
 * Checkpoints of a training job: sealed objects, of which a note in `meta` names the latest, so
 * that a job that is taken up again after the process died goes on where it was.
 */
import { digestOf, messageOf, readAll } from '@merlon/core';
import type { JobContext } from '../jobs/step.ts';
import type { VersionFile } from '../model.ts';
import { sealedFile } from './sealed.ts';

/** The latest checkpoint of a job. */
export interface JobCheckpoint {
  /** What was left by an earlier attempt; undefined when nothing was. */
  readonly resume: Uint8Array | undefined;
  /** Seals and notes a checkpoint; while one is being written, later ones are left out. */
  readonly take: (bytes: Uint8Array) => void;
  /** Why the last checkpoint could not be written; null when it was. */
  readonly fault: () => string | null;
  /** Waits for what is being written, and removes what is kept. */
  readonly clear: () => Promise<void>;
}

const bytesMax = 2 ** 31;
const metaOf = (jobId: string): string => `training/${jobId}`;

/** The checkpoint of the job at work; objects that a crash orphans are collected as garbage. */
export async function jobCheckpoint(context: JobContext): Promise<JobCheckpoint> {
  const { services, job } = context;
  const { store, blobs } = services;
  let kept = noteIn(await store.meta(metaOf(job.id)));
  const resume = kept === null ? undefined : await contentOf(context, kept);
  let writing: Promise<void> | null = null;
  let fault: string | null = null;
  const write = async (bytes: Uint8Array): Promise<void> => {
    const older = kept;
    kept = await sealed(context, bytes);
    await store.setMeta(metaOf(job.id), JSON.stringify(kept));
    if (older !== null) await blobs.remove(older.blob);
  };
  return {
    resume,
    take: (bytes) => {
      // Training goes on without a checkpoint when one cannot be written; its result says so.
      writing ??= write(bytes)
        .then(() => {
          fault = null;
        })
        .catch((error: unknown) => {
          fault = messageOf(error);
        })
        .finally(() => {
          writing = null;
        });
    },
    fault: () => fault,
    clear: async () => {
      await writing;
      if (kept === null) return;
      await store.setMeta(metaOf(job.id), '');
      await blobs.remove(kept.blob);
    },
  };
}

async function sealed({ services, version }: JobContext, bytes: Uint8Array): Promise<VersionFile> {
  const key = await services.keys.shared(version.workspaceId, 'quarantine');
  return sealedFile(services, key, { versionId: version.id, path: 'checkpoint', bytes });
}

/** Nothing when it was collected, damaged or sealed to a key that is gone: training begins anew. */
async function contentOf({ services }: JobContext, file: VersionFile) {
  try {
    const clear = await services.keys.open(file);
    try {
      const bytes = await readAll(clear, bytesMax);
      return digestOf(bytes) === file.digest ? bytes : undefined;
    } finally {
      await clear.close();
    }
  } catch {
    return undefined;
  }
}

function noteIn(text: string | null): VersionFile | null {
  return text === null || text === '' ? null : (JSON.parse(text) as VersionFile);
}
