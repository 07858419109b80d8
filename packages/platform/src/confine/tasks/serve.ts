/** Serves one model inside the worker: loaded once from a source, then asked again and again. */
import { type Classifier, classifier } from '@merlon/attack';
import { InputError, readAll } from '@merlon/core';
import { openSession, type Session } from '@merlon/graph';
import type { TaskContext } from '../task.ts';
import { inputBytesMax } from './data.ts';

/** What a caller must know of a loaded model. */
export interface LoadedModel {
  readonly input: { readonly name: string; readonly rowShape: readonly number[] };
  /** Name of the output with scores; null when the model gives labels only. */
  readonly scores: string | null;
}

/** Rows to ask. */
export interface InferInput {
  readonly x: Float32Array;
}

/** Answers. */
export interface InferOutput {
  readonly labels: Int32Array;
  readonly scores: Float32Array;
  readonly classes: number;
}

let loaded: { readonly session: Session; readonly model: Classifier } | null = null;

/** Loads the model in source `model`. */
export async function loadTask(
  input: { readonly threads: number },
  context: TaskContext,
): Promise<LoadedModel> {
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const session = await openSession(bytes, { threads: input.threads });
  const model = classifier(session);
  loaded = { session, model };
  const scores = session.outputs.find((output) => output.type === 'float32');
  return {
    input: { name: session.inputs[0]?.name ?? '', rowShape: [...model.inputShape] },
    scores: model.givesScores ? (scores?.name ?? 'scores') : null,
  };
}

/** Asks the loaded model. */
export async function inferTask(input: InferInput): Promise<InferOutput> {
  if (loaded === null) throw new InputError('bad-input', 'no model is loaded');
  const { model } = loaded;
  if (!model.givesScores) {
    const labels = await model.predict(input.x);
    return { labels, scores: new Float32Array(0), classes: 0 };
  }
  const { values, classes, predictions } = await model.scores(input.x);
  return { labels: predictions, scores: values, classes };
}
