/**
 * Harden: a differentiable model is trained by one of the engine's methods into a new version,
 * child of this one, which starts again at scan; a run whose process dies goes on from its last
 * checkpoint. A model without gradients (trees) is hardened by serving guards.
 */
import { z } from '@hono/zod-openapi';
import {
  isoTime,
  type Json,
  type JsonObject,
  MerlonError,
  memorySource,
  uuidv7,
} from '@merlon/core';
import {
  optimizers,
  type TrainingMethod,
  type TrainingProgress,
  trainingMethods,
} from '@merlon/harden';
import { rootDigest } from '@merlon/vault';
import type { AssessOutput } from '../confine/tasks/assess.ts';
import type { HardenOutput } from '../confine/tasks/harden.ts';
import type { Reference } from '../confine/tasks/reference.ts';
import type { ConfinedWorker } from '../confine/worker.ts';
import { modelFile, type OpenedInputs, openInputs } from '../inputs.ts';
import { newJob } from '../jobs/runner.ts';
import type { JobContext, JobStep, Outcome } from '../jobs/step.ts';
import type { StepRecord, Version, VersionFile } from '../model.ts';
import { guardsMeta } from '../store/names.ts';
import { type JobCheckpoint, jobCheckpoint } from './checkpoint.ts';
import { divergedBecause, figuresJson, figuresOf, judgingOptions, privacyJson } from './figures.ts';
import { checkpointEvery, clipNormUsual, deltaUsual, usualNumbers } from './options.ts';
import { sealedFile } from './sealed.ts';

/** What a caller may choose; what is left out is usual for the method. */
export const hardenSchema = z
  .strictObject({
    method: z.enum([...trainingMethods, 'guards']).default('pgd-at'),
    epsilon: z.number().min(0).max(1000).default(0.2),
    epochs: z.int().min(1).max(1000).optional(),
    batchSize: z.int().min(1).max(10_000).optional(),
    attackSteps: z.int().min(1).max(1000).optional(),
    learningRate: z.number().min(0).max(1000).optional(),
    samples: z.int().min(1).max(10_000_000).optional(),
    optimizer: z.enum(optimizers).default('sgd'),
    weightDecay: z.number().min(0).max(1).optional(),
    averaging: z.number().min(0).max(1).optional(),
    patience: z.int().min(1).max(1000).optional(),
    /** Weight of the robust term of `trades` and `mart`. */
    beta: z.number().min(0).max(1e6).optional(),
    /** How often `free` uses a batch. */
    replays: z.int().min(1).max(1000).optional(),
    /** Standard deviation of the noise of `noise`. */
    sigma: z.number().min(0).max(1000).optional(),
    /** What `dp-sgd` may spend; needed by it. */
    privacyEpsilon: z.number().min(1e-3).max(1000).optional(),
    delta: z.number().min(1e-20).max(0.5).default(deltaUsual),
    clipNorm: z.number().min(1e-9).max(1e9).default(clipNormUsual),
    /** `dp-sgd` begins with the weights of the version. */
    keepWeights: z.boolean().default(false),
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
  })
  .refine(({ method, privacyEpsilon }) => method !== 'dp-sgd' || privacyEpsilon !== undefined, {
    message: 'is needed by dp-sgd',
    path: ['privacyEpsilon'],
  });

type Wish = z.infer<typeof hardenSchema>;
type TrainingWish = Wish & { readonly method: TrainingMethod };

/** The step. */
export const hardenStep: JobStep = { name: 'harden', perform };

const timeoutMs = 24 * 3_600_000;
const threads = 2;
const referenceRows = 1000;
/** Rows that are attacked before and after. */
const judgedRows = 200;

async function perform(context: JobContext): Promise<Outcome> {
  const options = hardenSchema.parse(context.job.input);
  const inputs = await openInputs(context.services, context.version, 'train');
  try {
    return isTraining(options)
      ? await fineTune(context, inputs, options)
      : await recommendGuards(context, inputs, options.seed);
  } finally {
    await inputs.close();
  }
}

function isTraining(options: Wish): options is TrainingWish {
  return options.method !== 'guards';
}

async function fineTune(
  context: JobContext,
  inputs: OpenedInputs,
  options: TrainingWish,
): Promise<Outcome> {
  const { services } = context;
  const checkpoint = await jobCheckpoint(context);
  const worker = services.startWorker();
  let output: HardenOutput;
  let figures: JsonObject;
  try {
    const before = await judged(context, worker, options, null);
    output = await trained(context, { worker, inputs, options, checkpoint });
    figures = { before, after: await judged(context, worker, options, output.model) };
  } finally {
    await worker.close();
  }
  const child = await childVersion(context, output);
  const { method, epsilon, seed } = options;
  const { steps, samples, firstLoss, lastLoss, keptEpoch, ended } = output;
  const told = { steps, samples, firstLoss, lastLoss, keptEpoch, ended };
  return {
    state: 'done',
    result: {
      method,
      childId: child.version.id,
      childDigest: child.version.digest,
      epsilon,
      epochs: trainingOptions(options).epochs,
      seed,
      ...told,
      ...figures,
      ...(output.privacy && { privacy: privacyJson(output.privacy) }),
      ...(ended === 'diverged' && { because: divergedBecause(output) }),
      ...(checkpoint.fault() !== null && { checkpointFault: checkpoint.fault() }),
    },
    commit: child.commit,
    afterCommit: checkpoint.clear,
  };
}

/** One run in the worker; what an earlier attempt left is gone on from if it is of the same run. */
async function trained(
  { onProgress, signal }: JobContext,
  run: {
    readonly worker: ConfinedWorker;
    readonly inputs: OpenedInputs;
    readonly options: TrainingWish;
    readonly checkpoint: JobCheckpoint;
  },
): Promise<HardenOutput> {
  const { worker, inputs, options, checkpoint } = run;
  const { sources, data } = inputs;
  const call = {
    sources,
    signal,
    timeoutMs,
    onProgress: ({ checkpoint: bytes, ...progress }: TrainingProgress) => {
      if (bytes === undefined) onProgress(progress);
      else checkpoint.take(bytes);
    },
  };
  const ask = (resume?: Uint8Array): Promise<HardenOutput> => {
    const kept = { every: checkpointEvery, ...(resume && { resume }) };
    const chosen = { ...trainingOptions(options), checkpoint: kept };
    return worker.call('harden', { ...data, options: chosen }, call);
  };
  if (checkpoint.resume === undefined) return ask();
  try {
    return await ask(checkpoint.resume);
  } catch (error) {
    const stale = error instanceof MerlonError && staleCodes.has(error.code);
    if (stale) return ask();
    throw error;
  }
}

const staleCodes: ReadonlySet<string> = new Set(['other-run', 'bad-checkpoint']);

/** The engine's options. */
function trainingOptions(options: TrainingWish) {
  const { privacyEpsilon, delta, clipNorm, keepWeights, ...chosen } = options;
  const usual = usualNumbers(chosen.method, chosen.optimizer);
  const given = Object.entries(chosen).filter(([, value]) => value !== undefined);
  // Whoever knows a seed can subtract the noise: it comes from the operating system.
  const goal = { delta, clipNorm, keepWeights, repeatable: false };
  return {
    ...usual,
    ...Object.fromEntries(given),
    epochs: chosen.epochs ?? usual.epochs,
    threads,
    ...(chosen.method === 'dp-sgd' && { privacy: { ...goal, epsilon: privacyEpsilon ?? 0 } }),
  };
}

/**
 * Figures of the version (`model` null) or of a model on the test data; null without test data:
 * figures on the training data would flatter, and tell of rows that `dp-sgd` is to hide.
 */
async function judged(
  { services, version, signal }: JobContext,
  worker: ConfinedWorker,
  { epsilon, seed }: TrainingWish,
  model: Uint8Array | null,
): Promise<Json> {
  const links = await services.store.dataLinks(version.id);
  if (!links.some(({ use }) => use === 'test')) return null;
  const inputs = await openInputs(services, version, 'test');
  try {
    const sources = {
      ...inputs.sources,
      ...(model !== null && { model: memorySource(model) }),
    };
    const options = judgingOptions({ epsilon, seed, threads, samples: judgedRows });
    const call = { sources, signal, timeoutMs };
    const input = { ...inputs.data, options };
    return figuresJson(figuresOf(await worker.call<AssessOutput>('assess', input, call)));
  } finally {
    await inputs.close();
  }
}

/** The hardened model as a version: its files are sealed now, its rows written at the commit. */
async function childVersion(
  { services, version, job }: JobContext,
  { model, privacy }: HardenOutput,
): Promise<{ version: Version; commit: Outcome['commit'] }> {
  const { store, keys, clock } = services;
  const key = await keys.shared(version.workspaceId, 'quarantine');
  const id = uuidv7(clock);
  const original = await modelFile(services, version);
  const files: VersionFile[] = [];
  for (const file of await store.files(version.id)) {
    const clear = await keys.open(file);
    const bytes = file.path === original.path ? model : await clear.read(0, clear.size);
    await clear.close();
    files.push(await sealedFile(services, key, { versionId: id, path: file.path, bytes }));
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
      ...(privacy && { privacy: privacyJson(privacy) }),
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
