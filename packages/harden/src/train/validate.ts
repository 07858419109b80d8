/** How well the model in training does on rows that it is not trained on. */
import { noisy } from '../smooth/noise.ts';
import { type Batch, countRight, part } from './batch.ts';
import { attacked } from './methods/ascend.ts';
import type { StepContext } from './methods/method.ts';

/** Shares of rows that are classified right. */
export interface Figures {
  readonly clean: number;
  /** Under PGD of 10 steps; under noise, for training with noise. */
  readonly robust: number;
}

const attackSteps = 10;

/** Measures at the whole radius. */
export async function validate(
  context: Omit<StepContext, 'grown' | 'update'>,
  rows: Batch,
): Promise<Figures> {
  const { network, random } = context;
  const { epsilon, batchSize, method, sigma } = context.settings;
  const stepSize = (2.5 * epsilon) / attackSteps;
  const settings = { ...context.settings, attackSteps, stepSize, cleanShare: 0 };
  const strong = { ...context, settings, grown: 1, update: () => undefined };
  const count = rows.labels.length;
  let [clean, robust] = [0, 0];
  for (let start = 0; start < count; start += batchSize) {
    const batch = part(rows, start, start + batchSize);
    const { labels, shape } = batch;
    clean += countRight(await network.scores(batch), labels);
    const x = method === 'noise' ? noisy(batch.x, sigma, random) : await attacked(strong, batch);
    robust += countRight(await network.scores({ x, shape }), labels);
  }
  return { clean: clean / count, robust: robust / count };
}
