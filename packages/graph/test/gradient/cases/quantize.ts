/** Quantisation, where differences cannot see the gradient: the same model without it can. */
import { floatTensor, int, node, type OnnxTensor } from '../../../src/index.ts';
import { type OperatorCase, randomTensor } from '../models.ts';

const bytes = (name: string, elementType: number, values: readonly number[]): OnnxTensor => {
  const data = Uint8Array.from(values, (value) => value & 255);
  return {
    name,
    elementType,
    shape: values.length === 1 ? [] : [values.length],
    data,
    rest: new Uint8Array(0),
  };
};
const uint8 = 2;
const int8 = 3;
const scale = floatTensor('s', [], [0.05]);
const zero = bytes('z', uint8, [120]);

/** Cases with the approximation that they are of, without the rounding. */
export interface QuantizedCase {
  readonly quantized: OperatorCase;
  readonly plain: OperatorCase;
}

const row = [4] as const;
const weights = randomTensor('w', [4, 4], 3);

/** Cases. */
export const quantizedCases: readonly QuantizedCase[] = [
  {
    quantized: {
      ...{ name: 'QuantizeLinear and back', row, out: row },
      nodes: [
        node('QuantizeLinear', ['x', 's', 'z'], ['q']),
        node('DequantizeLinear', ['q', 's', 'z'], ['d']),
        node('Tanh', ['d'], ['y']),
      ],
      tensors: [scale, zero],
      approximations: ['straight-through'],
    },
    plain: { name: '', row, out: row, nodes: [node('Tanh', ['x'], ['y'])] },
  },
  {
    quantized: {
      ...{ name: 'QuantizeLinear by channel, moved while quantised', row: [2, 3], out: [3, 2] },
      nodes: [
        node('QuantizeLinear', ['x', 's', 'z'], ['q'], { axis: int(1) }),
        node('Transpose', ['q'], ['t'], { perm: { kind: 'ints', value: [0, 2, 1] } }),
        node('DequantizeLinear', ['t', 's', 'z'], ['y'], { axis: int(2) }),
      ],
      tensors: [floatTensor('s', [2], [0.05, 0.04]), bytes('z', int8, [3, -4])],
      approximations: ['straight-through'],
    },
    plain: {
      ...{ name: '', row: [2, 3], out: [3, 2] },
      nodes: [node('Transpose', ['x'], ['y'], { perm: { kind: 'ints', value: [0, 2, 1] } })],
    },
  },
  {
    quantized: {
      ...{ name: 'QLinearMatMul', row, out: row },
      nodes: [
        node('QuantizeLinear', ['x', 's', 'z'], ['q']),
        node('QuantizeLinear', ['w', 's', 'z'], ['wq']),
        node('QLinearMatMul', ['q', 's', 'z', 'wq', 's', 'z', 's', 'z'], ['p']),
        node('DequantizeLinear', ['p', 's', 'z'], ['y']),
      ],
      tensors: [scale, zero, weights],
      approximations: ['straight-through', 'straight-through'],
    },
    plain: {
      name: '',
      row,
      out: row,
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      tensors: [weights],
    },
  },
  {
    quantized: {
      ...{ name: 'DynamicQuantizeLinear and MatMulInteger', row, out: row },
      nodes: [
        node('DynamicQuantizeLinear', ['x'], ['q', 'qs', 'qz']),
        node('QuantizeLinear', ['w', 's', 'z'], ['wq']),
        node('MatMulInteger', ['q', 'wq', 'qz', 'z'], ['p']),
        node('Cast', ['p'], ['float'], { to: int(1) }),
        node('Mul', ['qs', 's'], ['both']),
        node('Mul', ['float', 'both'], ['y']),
      ],
      tensors: [scale, zero, weights],
      approximations: ['straight-through'],
    },
    plain: {
      name: '',
      row,
      out: row,
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      tensors: [weights],
    },
  },
  {
    quantized: {
      ...{ name: 'QLinearConv', row: [2, 3, 3], out: [2, 2, 2] },
      nodes: [
        node('QuantizeLinear', ['x', 's', 'z'], ['q']),
        node('QuantizeLinear', ['w', 's', 'z'], ['wq']),
        node('QLinearConv', ['q', 's', 'z', 'wq', 's', 'z', 's', 'z', 'b'], ['p']),
        node('DequantizeLinear', ['p', 's', 'z'], ['y']),
      ],
      tensors: [
        scale,
        zero,
        randomTensor('w', [2, 2, 2, 2], 3),
        {
          name: 'b',
          elementType: 6,
          shape: [2],
          data: new Uint8Array(Int32Array.of(40, -30).buffer),
          rest: new Uint8Array(0),
        },
      ],
      approximations: ['straight-through', 'straight-through'],
    },
    plain: {
      ...{ name: '', row: [2, 3, 3], out: [2, 2, 2] },
      nodes: [node('Conv', ['x', 'w', 'b'], ['y'])],
      tensors: [randomTensor('w', [2, 2, 2, 2], 3), floatTensor('b', [2], [0.1, -0.075])],
    },
  },
];
