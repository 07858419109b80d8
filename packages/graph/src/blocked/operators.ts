/** What may be done to a tensor in the blocked layout as it lies. */
import type { OnnxNode } from '../onnx/model.ts';

/**
 * Operators that take each element by itself and turn the zeros of the padding into finite
 * numbers, which the zero weights of the next convolution take away again.
 */
export const elementwise: ReadonlySet<string> = new Set([
  ...['Abs', 'Add', 'Clip', 'Elu', 'Erf', 'HardSigmoid', 'HardSwish', 'Identity', 'LeakyRelu'],
  ...['Max', 'Min', 'Mul', 'Neg', 'Relu', 'Selu', 'Sigmoid', 'Sign', 'Softplus', 'Softsign'],
  ...['Sub', 'Tanh'],
]);

/** Of these, the ones whose other inputs are bounds, not tensors of the same shape. */
export const scalars: ReadonlySet<string> = new Set(['Clip']);

/** True for a pooling whose windows tile the picture and whose indices only undo it. */
export function isPooledApart(
  pool: OnnxNode,
  readers: readonly OnnxNode[],
  shape: readonly number[],
): boolean {
  const kernel = list(pool, 'kernel_shape');
  const steps = list(pool, 'strides');
  const [, , ...spatial] = shape;
  const unpads = [...list(pool, 'pads')].every((pad) => pad === 0);
  const dense = [...list(pool, 'dilations')].every((step) => step === 1);
  return (
    pool.operator === 'MaxPool' &&
    spatial.length === 2 &&
    unpads &&
    dense &&
    kernel.every((size, i) => size === steps[i] && (spatial[i] ?? 0) % size === 0) &&
    readers.every(
      (reader) =>
        reader.operator === 'MaxUnpool' &&
        reader.inputs[1] === pool.outputs[1] &&
        list(reader, 'kernel_shape').join() === kernel.join() &&
        list(reader, 'strides').join() === steps.join(),
    )
  );
}

function list(of: OnnxNode, name: string): readonly number[] {
  const own = of.attributes[name];
  return own?.kind === 'ints' ? own.value : [];
}
