/** The black box of one row's search: it answers until its budget is spent. */
import { rowOf } from './batch.ts';
import type { Classifier } from './model/classifier.ts';

/** Asks whether candidate rows reach the goal. */
export interface Oracle {
  /** Queries that are left. */
  readonly left: number;
  /** For each candidate whether it succeeds; those beyond the budget are not asked: false. */
  ask(candidates: readonly Float32Array[]): Promise<boolean[]>;
  /** The same with the scores of those that were asked. */
  score(
    candidates: readonly Float32Array[],
  ): Promise<{ readonly answers: boolean[]; readonly scores: Float32Array[] }>;
}

/** An oracle over a model with a budget of queries; `succeeds` judges the predicted class. */
export function oracle(
  model: Classifier,
  queriesMax: number,
  succeeds: (prediction: number) => boolean,
): Oracle {
  let left = queriesMax;
  const ask = async (candidates: readonly Float32Array[]): Promise<boolean[]> => {
    const asked = candidates.slice(0, left);
    left -= asked.length;
    const answers = asked.length === 0 ? [] : await model.predict(stack(asked));
    return candidates.map((_, i) => i < asked.length && succeeds(answers[i] ?? -1));
  };
  return {
    get left() {
      return left;
    },
    ask,
    score: async (candidates) => {
      const asked = candidates.slice(0, left);
      if (asked.length === 0) return { answers: candidates.map(() => false), scores: [] };
      left -= asked.length;
      const { values, classes, predictions } = await model.scores(stack(asked));
      return {
        scores: asked.map((_, i) => rowOf(values, i, classes)),
        answers: candidates.map((_, i) => i < asked.length && succeeds(predictions[i] ?? -1)),
      };
    },
  };
}

function stack(rows: readonly Float32Array[]): Float32Array {
  const size = rows[0]?.length ?? 0;
  const x = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    x.set(row, i * size);
  });
  return x;
}
