/** What a step that runs as a job looks like. */
import type { JsonObject, OnProgress } from '@merlon/core';
import type { Job, JobKind, StepState, Version } from '../model.ts';
import type { Services } from '../services.ts';
import type { Store } from '../store/store.ts';

/** What a job's work is given. */
export interface JobContext {
  readonly services: Services;
  readonly job: Job;
  readonly version: Version;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** What came of it; `commit` writes everything in the transaction that ends the job. */
export interface Outcome {
  readonly state: Extract<StepState, 'done' | 'refused'>;
  /** What was measured; shown on the step and written to the ledger. */
  readonly result: JsonObject;
  readonly commit: (tx: Store) => Promise<void>;
  /** Clears away what the commit made needless; only called once the commit holds. */
  readonly afterCommit?: () => Promise<void>;
}

/** A step of the journey that runs by itself once it is asked for. */
export interface JobStep {
  readonly name: JobKind;
  readonly perform: (context: JobContext) => Promise<Outcome>;
}
