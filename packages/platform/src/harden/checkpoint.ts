/**
 * Checkpoints of a training job: sealed objects, of which a note in `meta` names the latest, so
 * that a job that is taken up again after the process died goes on where it was.
 */
import { digestOf, memorySource, messageOf, readAll, uuidv7 } from '@merlon/core';
import { piecesOf } from '../blob/blob.ts';
import type { JobContext } from '../jobs/step.ts';
import type { VersionFile } from '../model.ts';

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

async function sealed(context: JobContext, bytes: Uint8Array): Promise<VersionFile> {
  const { services, version } = context;
  const { keys, blobs, clock } = services;
  const key = await keys.shared(version.workspaceId, 'quarantine');
  const blob = uuidv7(clock);
  await blobs.put(blob, keys.seal(key, piecesOf(memorySource(bytes))));
  const path = 'checkpoint';
  const [digest, size] = [digestOf(bytes), bytes.length];
  return { versionId: version.id, path, digest, bytes: size, blob, keyId: key.id, header: null };
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
