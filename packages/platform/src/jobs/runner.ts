/**
 * Runs jobs: a row is claimed, worked on, and ended in one transaction with all that came of it.
 * A process that dies leaves its job running under a dead owner; the next start queues it again,
 * and because nothing was committed, nothing is done twice.
 */
import { isoTime, MerlonError, messageOf, type Progress, uuidv7 } from '@merlon/core';
import { attest } from '../attest/attest.ts';
import { diskFault } from '../errors.ts';
import type { Actor, Job, StepName, Version } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import type { JobStep, Outcome } from './step.ts';

/** Background work. */
export interface JobRunner {
  /** Writes a job down and starts it when its turn comes. */
  enqueue(request: JobRequest): Promise<Job>;
  /** Cancels a queued or running job; false when it had ended. */
  cancel(id: string): Promise<boolean>;
  /** Takes up what a dead process left and begins to work. */
  start(): Promise<number>;
  /** Lets go of running jobs (they stay in the queue) and stops. */
  stop(): Promise<void>;
}

/** A wish for work. */
export interface JobRequest {
  readonly version: Version;
  readonly kind: Job['kind'];
  readonly input?: Job['input'];
  readonly createdBy: string;
}

/** What the runner needs to know. */
export interface RunnerParts {
  readonly services: Services;
  readonly steps: ReadonlyMap<string, JobStep>;
  /** The step that follows by itself, or null. */
  readonly next: (done: StepName, version: Version) => Job['kind'] | null;
  readonly concurrency: number;
  /** Told when work fails for a reason that is our own fault. */
  readonly onFault: (error: unknown, job: Job) => void;
}

const attemptsMax = 3;
const progressEveryMs = 500;

/** Makes a runner; call `start` once. */
export function jobRunner(parts: RunnerParts): JobRunner {
  const { services, concurrency } = parts;
  const { store, bus, clock } = services;
  const owner = uuidv7(clock);
  const running = new Map<string, AbortController>();
  const loops = new Set<Promise<void>>();
  let stopped = true;

  const fill = (): void => {
    while (!stopped && loops.size < concurrency) {
      const loop = workOnce().finally(() => loops.delete(loop));
      loops.add(loop);
    }
  };
  const workOnce = async (): Promise<void> => {
    for (;;) {
      const job = stopped ? null : await store.claimJob(owner);
      if (job === null) return;
      const controller = new AbortController();
      running.set(job.id, controller);
      try {
        await work(parts, job, controller.signal);
      } catch (error) {
        // Stopping leaves the row as it is: the next start takes it up again.
        if (!stopped) await fail(parts, job, error);
      } finally {
        running.delete(job.id);
      }
    }
  };
  return {
    enqueue: async (request) => {
      const job = newJob(services, request);
      await store.addJob(job);
      bus.publish({ topic: 'job', workspaceId: job.workspaceId, id: job.id });
      fill();
      return job;
    },
    cancel: async (id) => {
      const job = await store.job(id);
      if (job === null || !['queued', 'running'].includes(job.state)) return false;
      const finishedAt = isoTime(clock.nowMs());
      await store.updateJob(id, { state: 'cancelled', finishedAt });
      running.get(id)?.abort(new MerlonError('cancelled', 'the job was cancelled'));
      bus.publish({ topic: 'job', workspaceId: job.workspaceId, id });
      return true;
    },
    start: async () => {
      const left = await store.requeueJobs(owner);
      stopped = false;
      fill();
      return left;
    },
    stop: async () => {
      stopped = true;
      for (const controller of running.values()) controller.abort(new Error('stopping'));
      await Promise.allSettled([...loops]);
    },
  };
}

/** A job row for a request, not yet stored. */
export function newJob({ clock }: Services, request: JobRequest): Job {
  return {
    id: uuidv7(clock),
    workspaceId: request.version.workspaceId,
    versionId: request.version.id,
    kind: request.kind,
    state: 'queued',
    input: request.input ?? {},
    progress: {},
    error: null,
    attempts: 0,
    createdBy: request.createdBy,
    createdAt: isoTime(clock.nowMs()),
    finishedAt: null,
  };
}

async function work(parts: RunnerParts, job: Job, signal: AbortSignal): Promise<void> {
  const { services, steps } = parts;
  const { store, clock, bus } = services;
  const step = steps.get(job.kind);
  const version = await store.version(job.versionId);
  if (step === undefined || version === null) {
    throw new MerlonError('internal', `job "${job.id}" has no step or version`);
  }
  if (job.attempts > attemptsMax) {
    throw new MerlonError('worker-failed', `gave up after ${attemptsMax} attempts`);
  }
  const startedAt = isoTime(clock.nowMs());
  const record = { versionId: version.id, step: step.name, startedAt };
  await store.putStep({ ...record, state: 'running', finishedAt: null, result: {} });
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  let toldAtMs = 0;
  const onProgress = (progress: Progress): void => {
    if (clock.nowMs() - toldAtMs < progressEveryMs && progress.done < progress.total) return;
    toldAtMs = clock.nowMs();
    void store.updateJob(job.id, { progress: { ...progress } }).then(
      () => bus.publish({ topic: 'job', workspaceId: job.workspaceId, id: job.id }),
      (error: unknown) => parts.onFault(error, job),
    );
  };
  const outcome = await step.perform({ services, job, version, onProgress, signal });
  signal.throwIfAborted();
  await finish(parts, { job, version, startedAt, outcome });
}

async function finish(
  parts: RunnerParts,
  done: { job: Job; version: Version; startedAt: string; outcome: Outcome },
): Promise<void> {
  const { services } = parts;
  const { clock, bus } = services;
  const { job, version, startedAt, outcome } = done;
  const finishedAt = isoTime(clock.nowMs());
  const step = job.kind;
  const { state, result } = outcome;
  const made = { step, jobId: job.id, version, input: job.input, result, startedAt, finishedAt };
  const attestation = state === 'done' ? await attest(services, made) : null;
  await services.store.transaction(async (tx) => {
    await outcome.commit(tx);
    if (attestation !== null) await tx.setMeta(attestation.key, attestation.bundle);
    await tx.putStep({ versionId: version.id, step, state, startedAt, finishedAt, result });
    await tx.updateJob(job.id, { state: 'done', finishedAt });
    const resource = `version/${version.id}`;
    const detail = { state, job: job.id, ...summaryOf(result) };
    const actor: Actor = platformActor(version.workspaceId);
    await services.ledger.append(tx, actor, { action: `step.${step}`, resource, detail });
    const next = outcome.state === 'done' ? parts.next(step, version) : null;
    // A step that is repeated later leaves what already followed it as it is.
    if (next !== null && (await tx.step(version.id, next))?.state !== 'done') {
      await tx.addJob(newJob(services, { version, kind: next, createdBy: job.createdBy }));
    }
  });
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  bus.publish({ topic: 'job', workspaceId: version.workspaceId, id: job.id });
  // The step is done whatever becomes of this; what stays behind is swept at the next start.
  await outcome.afterCommit?.().catch((error: unknown) => parts.onFault(error, job));
}

/** The short, flat facts of a result: what belongs into the ledger. */
function summaryOf(result: Job['input']): Job['input'] {
  const flat = Object.entries(result).filter(
    ([, value]) => typeof value === 'number' || typeof value === 'boolean' || isShort(value),
  );
  return Object.fromEntries(flat);
}

function isShort(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 100;
}

async function fail(parts: RunnerParts, job: Job, cause: unknown): Promise<void> {
  const error = diskFault(cause);
  const { store, clock, bus } = parts.services;
  const current = await store.job(job.id);
  if (current?.state !== 'cancelled') {
    const known = error instanceof MerlonError;
    if (!known) parts.onFault(error, job);
    const text = known ? error.message : `internal fault: ${messageOf(error)}`;
    const finishedAt = isoTime(clock.nowMs());
    await store.transaction(async (tx) => {
      await tx.updateJob(job.id, { state: 'failed', error: text, finishedAt });
      const record = await tx.step(job.versionId, job.kind);
      const startedAt = record?.startedAt ?? finishedAt;
      const result = { error: text };
      const base = { versionId: job.versionId, step: job.kind, startedAt, finishedAt, result };
      await tx.putStep({ ...base, state: 'failed' });
    });
  }
  bus.publish({ topic: 'version', workspaceId: job.workspaceId, id: job.versionId });
  bus.publish({ topic: 'job', workspaceId: job.workspaceId, id: job.id });
}
