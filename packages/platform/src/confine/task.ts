/** The shape of a confined task. */
import type { ByteSource, OnProgress } from '@merlon/core';

/** What a task is given besides its input. */
export interface TaskContext {
  /** A source that the parent serves. */
  source(name: string): ByteSource;
  readonly onProgress: OnProgress;
  /** Hands out what an interrupted task can go on from; plain data. */
  readonly onCheckpoint: (checkpoint: unknown) => void;
}

/** A task: plain data in, plain data out. */
export type Task = (input: unknown, context: TaskContext) => Promise<unknown>;
