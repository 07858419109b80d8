/** Rows through the guards, the model, and the guards again. */
import { seeded } from '@merlon/core';
import { applyInputGuards, applyOutputGuards, type GuardConfig } from '@merlon/harden';
import type { InferOutput, LoadedModel } from '../confine/tasks/serve.ts';
import type { ConfinedWorker } from '../confine/worker.ts';
import { PlatformError } from '../errors.ts';

/** A loaded model behind guards. */
export interface Asked {
  readonly worker: ConfinedWorker;
  readonly model: LoadedModel;
  readonly guards: GuardConfig;
}

/** An answer behind the guards. */
export interface Answer {
  readonly labels: Int32Array;
  /** Guarded scores [rows, classes]; empty when the model gives labels only. */
  readonly scores: Float32Array;
  readonly classes: number;
}

const inferTimeoutMs = 30_000;

/** Throws `input-refused` where a guard refuses, `worker-failed` when the worker died. */
export async function askGuarded(
  { worker, model, guards }: Asked,
  x: Float32Array,
): Promise<Answer> {
  const width = model.input.rowShape.reduce((product, size) => product * size, 1);
  const rows = x.length / width;
  // Noise must not be predictable to the caller, so its seed is the clock's finest reading.
  const random = seeded(Number(process.hrtime.bigint() & 0xffff_ffffn));
  const checked = applyInputGuards(guards, x, rows, width, random);
  if (checked.refused !== null) {
    const { row, feature, reason } = checked.refused;
    throw new PlatformError('input-refused', `row ${row}, element ${feature}: ${reason}`, {
      hint: 'send values such as the model was trained on',
    });
  }
  const output = await worker.call<InferOutput>(
    'infer',
    { x: checked.x },
    { timeoutMs: inferTimeoutMs },
  );
  const { labels, scores, classes } = output;
  if (classes === 0) return output;
  return { labels, classes, scores: applyOutputGuards(guards, scores, rows, classes) };
}
