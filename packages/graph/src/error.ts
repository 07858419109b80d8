/** Errors of the graph engine. */
import { MerlonError } from '@merlon/core';

/** Codes of graph errors. */
export type GraphErrorCode =
  | 'invalid-model'
  | 'unsupported-operator'
  | 'shape-mismatch'
  | 'too-large'
  | 'runtime-failed';

/** A model cannot be read, differentiated or run. */
export class GraphError extends MerlonError<GraphErrorCode> {}

/** The model's bytes are not a sound ONNX model. */
export function invalidModel(why: string, cause?: unknown): GraphError {
  return new GraphError('invalid-model', `not a sound ONNX model: ${why}`, {
    hint: 'export the model again, or check that the file is whole',
    cause,
  });
}

/** An operator stands in the way of gradients. */
export function unsupported(operator: string, node: string, why: string): GraphError {
  const message = `operator "${operator}" (node "${node}") cannot be differentiated: ${why}`;
  return new GraphError('unsupported-operator', message, {
    hint: 'use decision-based attacks, which need no gradients',
  });
}
