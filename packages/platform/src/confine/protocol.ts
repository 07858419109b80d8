/** What a confined worker and its parent say to each other. */
import type { ErrorReport, Progress } from '@merlon/core';

/** A source that the parent reads on the worker's behalf. */
export interface SourceHandle {
  readonly source: string;
  readonly size: number;
  /** What the content must hash to (`sha256:…`); null where nobody knows. */
  readonly digest: string | null;
}

/** Code of the failure whose message names a source that hashed to something else. */
export const tamperedCode = 'tampered';

/** From the parent to the worker. */
export type ToWorker =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: string;
      readonly input: unknown;
      readonly sources: readonly SourceHandle[];
    }
  | {
      readonly type: 'bytes';
      readonly id: number;
      readonly read: number;
      readonly bytes: Uint8Array | null;
    }
  | { readonly type: 'cancel'; readonly id: number };

/** From the worker to the parent. */
export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly type: 'checkpoint'; readonly id: number; readonly checkpoint: unknown }
  | {
      readonly type: 'read';
      readonly id: number;
      readonly read: number;
      readonly source: string;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: 'done'; readonly id: number; readonly output: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorReport };
