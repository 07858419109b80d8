/**
 * Harden: a differentiable model is fine-tuned against PGD into a new version, child of this one,
 * which starts again at scan. A model without gradients (trees) is hardened by serving guards.
 */
import { z } from '@hono/zod-openapi';
import { digestOf, isoTime, memorySource, uuidv7 } from '@merlon/core';
import { rootDigest } from '@merlon/vault';
import { piecesOf } from '../blob/blob.ts';
import type { HardenOutput } from '../confine/tasks/harden.ts';
import type { Reference } from '../confine/tasks/reference.ts';
import { modelFile, type OpenedInputs, openInputs } from '../inputs.ts';
import { newJob } from '../jobs/runner.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { StepRecord, Version, VersionFile } from '../model.ts';
import { guardsMeta } from '../store/names.ts';

/** What a caller may choose. */
export const hardenSchema = z.strictObject({
  method: z.enum(['pgd-at', 'guards']).default('pgd-at'),
  epsilon: z.number().min(0).max(1000).default(0.2),
  epochs: z.int().min(1).max(1000).default(4),
  batchSize: z.int().min(1).max(10_000).default(50),
  attackSteps: z.int().min(1).max(1000).default(4),
  learningRate: z.number().min(0).max(10).default(0.08),
  samples: z.int().min(1).max(10_000_000).default(6000),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
});

/** The step. */
export const hardenStep: JobStep = { name: 'harden', perform };

const timeoutMs = 24 * 3_600_000;
const threads = 2;
const referenceRows = 1000;

async function perform(context: JobContext): Promise<Outcome> {
  const options = hardenSchema.parse(context.job.input);
  const inputs = await openInputs(context.services, context.version, 'train');
  try {
    return options.method === 'guards'
      ? await recommendGuards(context, inputs, options.seed)
      : await fineTune(context, inputs, options);
  } finally {
    await inputs.close();
  }
}

async function fineTune(
  context: JobContext,
  inputs: OpenedInputs,
  options: z.infer<typeof hardenSchema>,
): Promise<Outcome> {
  const { services, onProgress, signal } = context;
  const worker = services.startWorker();
  let output: HardenOutput;
  try {
    const { sources, data } = inputs;
    const { method: _, ...chosen } = options;
    const input = { ...data, options: { ...chosen, threads } };
    const call = { sources, onProgress, signal, timeoutMs };
    output = await worker.call<HardenOutput>('harden', input, call);
  } finally {
    await worker.close();
  }
  const child = await childVersion(context, output.model);
  const { epsilon, epochs, seed } = options;
  const { steps, samples, firstLoss, lastLoss } = output;
  return {
    state: 'done',
    result: {
      method: 'pgd-at',
      childId: child.version.id,
      childDigest: child.version.digest,
      epsilon,
      epochs,
      seed,
      steps,
      samples,
      firstLoss,
      lastLoss,
    },
    commit: child.commit,
  };
}

/** The hardened model as a version: its files are sealed now, its rows written at the commit. */
async function childVersion(
  { services, version, job }: JobContext,
  model: Uint8Array,
): Promise<{ version: Version; commit: Outcome['commit'] }> {
  const { store, keys, blobs, clock } = services;
  const key = await keys.shared(version.workspaceId, 'quarantine');
  const id = uuidv7(clock);
  const original = await modelFile(services, version);
  const files: VersionFile[] = [];
  for (const file of await store.files(version.id)) {
    const clear = await keys.open(file);
    const bytes = file.path === original.path ? model : await clear.read(0, clear.size);
    await clear.close();
    const blob = uuidv7(clock);
    await blobs.put(blob, keys.seal(key, piecesOf(memorySource(bytes))));
    const stored = { path: file.path, digest: digestOf(bytes), bytes: bytes.length, blob };
    files.push({ ...stored, versionId: id, keyId: key.id, header: null });
  }
  const createdAt = isoTime(clock.nowMs());
  const child: Version = {
    ...version,
    id,
    number: (await store.versions(version.artifactId)).length + 1,
    parentId: version.id,
    digest: rootDigest(files.map(({ path, digest }) => ({ name: path, digest }))),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    createdAt,
    retainUntil: null,
    destroyedAt: null,
  };
  const intake: StepRecord = {
    versionId: id,
    step: 'intake',
    state: 'done',
    startedAt: createdAt,
    finishedAt: createdAt,
    result: {
      files: files.length,
      bytes: child.bytes,
      digest: child.digest,
      hardenedFrom: version.id,
    },
  };
  return {
    version: child,
    commit: async (tx) => {
      await tx.addVersion(child);
      for (const file of files) await tx.putFile(file);
      for (const { dataVersionId, use } of await tx.dataLinks(version.id)) {
        await tx.linkData({ versionId: id, dataVersionId, use });
      }
      await tx.putStep(intake);
      await tx.addJob(newJob(services, { version: child, kind: 'scan', createdBy: job.createdBy }));
    },
  };
}

/** Guards from the training data: ranges and steps of inputs, coarse outputs. */
async function recommendGuards(
  { services, version, signal }: JobContext,
  { sources, data }: OpenedInputs,
  seed: number,
): Promise<Outcome> {
  const worker = services.startWorker();
  try {
    const input = { ...data, rows: referenceRows, seed };
    const call = { sources, signal, timeoutMs };
    const reference = await worker.call<Reference>('reference', input, call);
    const guards = guardsFrom(reference);
    const rounded = reference.steps.filter((step) => step > 0).length;
    return {
      state: 'done',
      result: { method: 'guards', features: reference.features, rounded, decimals: 2 },
      commit: (tx) => tx.setMeta(guardsMeta(version.id), JSON.stringify(guards)),
    };
  } finally {
    await worker.close();
  }
}

function guardsFrom(reference: Reference) {
  const min = [...reference.min];
  const max = [...reference.max];
  const steps = [...reference.steps];
  const range = { min, max, margin: 0.05 };
  return { input: { range, rounding: { steps } }, output: { decimals: 2 } };
}
