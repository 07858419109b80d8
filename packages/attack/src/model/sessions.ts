/** Gradient models of one model, a session for each loss, opened when first asked for. */
import {
  gradientModel,
  type Loss,
  type OnnxModel,
  openFastest,
  type Session,
  type SessionOptions,
} from '@merlon/graph';

/** Where gradients come from; whoever opened it closes it. */
export interface GradientSource {
  /** The session of a loss; the same one when asked again. */
  session(loss: Loss): Promise<Session>;
  /** Frees every session that was opened. */
  close(): Promise<void>;
}

/** A source over a function that opens the gradient model of a loss. */
export function gradientSource(open: (loss: Loss) => Promise<Session>): GradientSource {
  const opened = new Map<Loss, Promise<Session>>();
  return {
    session: (loss) => {
      const known = opened.get(loss);
      if (known !== undefined) return known;
      const session = open(loss);
      opened.set(loss, session);
      // A failure is told to whoever asked; the next one may try again.
      session.catch(() => opened.delete(loss));
      return session;
    },
    close: async () => {
      const sessions = [...opened.values()];
      opened.clear();
      await Promise.all(sessions.map(async (session) => (await session).close()));
    },
  };
}

/**
 * The gradients of an ONNX model. The cross-entropy is opened at once, so that a model that cannot
 * be differentiated is known as such: throws what `gradientModel` throws.
 */
export async function gradientsOfModel(
  model: OnnxModel,
  options: SessionOptions = {},
): Promise<GradientSource> {
  const source = gradientSource(async (loss) => {
    const gradient = await gradientModel(model, { loss });
    return openFastest(gradient.model, options);
  });
  await source.session('cross-entropy');
  return source;
}
