/** What only differentiation knows, written as operators that runtimes know. */
import { float, node, type OnnxNode } from '../../onnx/model.ts';
import { centredGradient } from './norm.ts';

/** The nodes that a gathered GELU stands for, and others without marks. */
export function writtenOut(
  each: OnnxNode,
  list: { floats(shape: readonly number[], values: readonly number[]): string },
): readonly OnnxNode[] {
  const [x = ''] = each.inputs;
  const [y = '', half, share] = each.outputs;
  if (each.attributes[centredGradient] !== undefined) {
    const { [centredGradient]: _, ...attributes } = each.attributes;
    return [{ ...each, attributes }];
  }
  if (each.operator !== 'Gelu' || half === undefined || share === undefined) return [each];
  const erf = `${half}/erf`;
  return [
    node('Mul', [x, list.floats([], [Math.SQRT1_2])], [half]),
    node('Erf', [half], [erf]),
    node('HardSigmoid', [erf], [share], { alpha: float(0.5), beta: float(0.5) }),
    node('Mul', [x, share], [y]),
  ];
}
