/** Recurrent layers: directions, biases, first states, peepholes, activations. */
import { float, int, ints, intTensor, node, type OnnxAttribute } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text } from '../models.ts';

const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;
const hidden = 3;
const [steps, width] = [4, 2];

/** x [N, steps, width] → [steps, N, width] → layer → Y with the rows first. */
function layer(
  operator: keyof typeof gates,
  name: string,
  of: {
    readonly directions?: number;
    readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
    readonly bias?: boolean;
    readonly peepholes?: boolean;
  } = {},
): OperatorCase {
  const { directions = 1, attributes = {}, bias = true, peepholes = false } = of;
  const count = gates[operator] * hidden;
  const inputs = ['t', 'w', 'r', bias ? 'b' : ''];
  if (peepholes) inputs.push('', '', '', 'p');
  return {
    name: `${operator} ${name}`,
    row: [steps, width],
    out: [steps, directions, hidden],
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([1, 0, 2]) }),
      node(operator, inputs, ['l'], { hidden_size: int(hidden), ...attributes }),
      node('Transpose', ['l'], ['y'], { perm: ints([2, 0, 1, 3]) }),
    ],
    tensors: [
      randomTensor('w', [directions, count, width], 1),
      randomTensor('r', [directions, count, hidden], 2),
      ...(bias ? [randomTensor('b', [directions, 2 * count], 3)] : []),
      ...(peepholes ? [randomTensor('p', [directions, 3 * hidden], 4)] : []),
    ],
    opset: 14,
    floatsOnly: true,
  };
}

const names = ['RNN', 'GRU', 'LSTM'] as const;

/** The last states of x, which begins with states that depend on x. */
function states(operator: (typeof names)[number]): OperatorCase {
  const plain = layer(operator, 'from first states to last states');
  const cell = operator === 'LSTM' ? ['h'] : [];
  return {
    ...plain,
    out: [operator === 'LSTM' ? 2 : 1, hidden],
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([1, 0, 2]) }),
      node('ReduceMean', ['t'], ['m'], { axes: ints([0]), keepdims: int(1) }),
      node('MatMul', ['m', 'first'], ['h']),
      node(
        operator,
        ['t', 'w', 'r', 'b', 'lengths', 'h', ...cell],
        ['', 'last', ...(operator === 'LSTM' ? ['memory'] : [])],
        { hidden_size: int(hidden) },
      ),
      node('Concat', ['last', ...(operator === 'LSTM' ? ['memory'] : [])], ['both'], {
        axis: int(0),
      }),
      node('Transpose', ['both'], ['y'], { perm: ints([1, 0, 2]) }),
    ],
    tensors: [
      ...(plain.tensors ?? []),
      randomTensor('first', [width, hidden], 6),
      {
        ...intTensor('lengths', [3], []),
        elementType: 6,
        data: new Uint8Array(Int32Array.of(4, 4, 4).buffer),
      },
    ],
    fixedRows: true,
  };
}

/** Cases. */
export const recurrentCases: readonly OperatorCase[] = names
  .flatMap((operator) => [
    layer(operator, 'forward'),
    layer(operator, 'reverse, without bias', {
      bias: false,
      attributes: { direction: text('reverse') },
    }),
    layer(operator, 'in both directions', {
      directions: 2,
      attributes: { direction: text('bidirectional') },
    }),
    { ...layer(operator, 'with clipped gates', { attributes: { clip: float(0.8) } }), step: 1e-3 },
    states(operator),
  ])
  .concat([
    layer('LSTM', 'with peepholes', { peepholes: true }),
    layer('LSTM', 'with peepholes and one gate for two', {
      peepholes: true,
      attributes: { input_forget: int(1) },
    }),
    layer('GRU', 'linear before reset', { attributes: { linear_before_reset: int(1) } }),
    layer('GRU', 'linear before reset, without bias', {
      bias: false,
      attributes: { linear_before_reset: int(1) },
    }),
  ]);
