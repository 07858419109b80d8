/**
 * A model behind its guards, as an attacker sees it: one who does not know of them, whose gradients
 * are those of the bare model, and one who does, whose gradients go through them. Noise is taken in
 * expectation (EOT, Athalye et al. 2018, section 4.3), rounding as if it were not there on the way
 * back (BPDA with the identity, ibid., section 4.2).
 */
import { type GradientSource, gradientSource } from '@merlon/attack';
import type { Random } from '@merlon/core';
import type { Session, Tensor, TensorData, Tensors } from '@merlon/graph';
import { applyInputGuards, applyOutputGuards } from './apply.ts';
import type { GuardConfig } from './config.ts';

/** How guards with noise are asked. */
export interface DrawOptions {
  readonly random: Random;
  /** Answers that are averaged where a guard adds noise. */
  readonly draws: number;
}

/**
 * The session behind guards. Where they add noise the mean of several answers is told, so that no
 * input counts as adversarial by the luck of one draw. Ranges refuse nothing here: the bounds of
 * the attack keep it within them.
 */
export function guardedSession(
  session: Session,
  guards: GuardConfig,
  options: DrawOptions,
): Session {
  return {
    ...session,
    run: async (feeds, fetches) => {
      const drawn = await meanOfDraws(session, guards, { options, feeds, fetches });
      return Object.fromEntries(
        Object.entries(drawn).map(([name, tensor]) => [name, told(guards, tensor)]),
      );
    },
  };
}

/** Gradients through the input guards; outputs are those of `gradientModel`. */
export function guardedGradients(
  source: GradientSource,
  guards: GuardConfig,
  options: DrawOptions,
): GradientSource {
  return gradientSource(async (loss) => {
    const session = await source.session(loss);
    return {
      ...session,
      run: async (feeds, fetches, into = {}) => {
        const found = await meanOfDraws(session, guards, { options, feeds, fetches });
        for (const [name, { data }] of Object.entries(into)) {
          const own = found[name];
          if (own !== undefined) (data as Float32Array).set(own.data as Float32Array);
        }
        return found;
      },
      // Whoever opened the source closes it.
      close: async () => undefined,
    };
  });
}

async function meanOfDraws(
  session: Session,
  guards: GuardConfig,
  of: {
    readonly options: DrawOptions;
    readonly feeds: Tensors;
    readonly fetches: readonly string[] | undefined;
  },
): Promise<Record<string, Tensor>> {
  const { options, feeds, fetches } = of;
  const sigma = guards.input?.noise?.sigma ?? 0;
  const draws = sigma === 0 ? 1 : options.draws;
  const sums: Record<string, Tensor> = {};
  for (let draw = 0; draw < draws; draw++) {
    const given = guardedFeeds(session, feeds, guards, options.random);
    for (const [name, tensor] of Object.entries(await session.run(given, fetches))) {
      const { data } = tensor;
      const before = sums[name];
      if (!(data instanceof Float32Array)) {
        // Classes cannot be averaged; those of the last draw stand for them.
        sums[name] = tensor;
      } else {
        const sum = (before?.data as Float32Array | undefined) ?? new Float32Array(data.length);
        for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (data[i] ?? 0) / draws;
        sums[name] = { ...tensor, data: sum };
      }
    }
  }
  return sums;
}

/** The input after the guards; labels, targets and weights of scores are no input. */
function guardedFeeds(
  { inputs }: Session,
  feeds: Tensors,
  guards: GuardConfig,
  random: Random,
): Tensors {
  const input = inputs.find(({ name }) => !name.startsWith('merlon_'));
  const tensor = input === undefined ? undefined : feeds[input.name];
  if (input === undefined || !(tensor?.data instanceof Float32Array)) return feeds;
  const [rows = 1] = tensor.shape;
  const width = tensor.data.length / rows;
  const { range: _, ...kept } = guards.input ?? {};
  const { x } = applyInputGuards({ input: kept }, tensor.data, rows, width, random);
  return { ...feeds, [input.name]: { ...tensor, data: x as TensorData } };
}

/** Scores after the output guards. */
function told(guards: GuardConfig, tensor: Tensor): Tensor {
  const { data, shape } = tensor;
  const [rows = 0, classes = 0] = shape;
  if (!(data instanceof Float32Array) || shape.length !== 2 || classes < 2) return tensor;
  return { ...tensor, data: applyOutputGuards(guards, data, rows, classes) };
}
