/** What a detector sees and says. */
import type { JsonObject } from '@merlon/core';

/** One row that a served model answered. */
export interface Observation {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Who asked. */
  readonly key: string;
  /** The row as it came in, before any guard changed it. */
  readonly row: Float32Array;
  /** Predicted class. */
  readonly label: number;
  /** The row as the model represents it, such as its last hidden layer, where that is at hand. */
  readonly features?: Float32Array;
}

/** A detector's alarm. */
export interface Signal {
  readonly detector: string;
  /** The key that it concerns; empty when it concerns all traffic. */
  readonly key: string;
  readonly statistic: number;
  readonly threshold: number;
  /** When the traffic that it rests on began. */
  readonly sinceMs: number;
  readonly detail: JsonObject;
}

/** Watches a stream of rows; state is its own, rebuilt by replaying events or from `save`. */
export interface Detector {
  readonly name: string;
  /** Takes one row; a signal when it raises an alarm (once until traffic changes). */
  observe(observation: Observation): Signal | null;
  /** What it has seen so far, for people. */
  status(): JsonObject;
  /** State for the `saved` option of the same detector with the same settings, after a restart. */
  save?(): Uint8Array;
}
