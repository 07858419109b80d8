/** Attention of the standard and of the runtime's domain, and fused operators of the latter. */
import { float, floatTensor, int, node, type OnnxNode } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text } from '../models.ts';

function fused(...of: Parameters<typeof node>): OnnxNode {
  return { ...node(...of), domain: 'com.microsoft' };
}

const row = [3, 8] as const;
const keys = [node('Tanh', ['x'], ['k']), node('Sin', ['x'], ['v'])];

const bools = (name: string, shape: readonly number[], values: readonly number[]) => {
  return { name, elementType: 9, shape, data: Uint8Array.from(values), rest: new Uint8Array(0) };
};

const heads = { q_num_heads: int(4), kv_num_heads: int(4) };

function attention(
  name: string,
  attributes: OnnxNode['attributes'],
  of: Partial<OperatorCase> & { readonly mask?: string } = {},
): OperatorCase {
  const { mask = '', ...rest } = of;
  return {
    ...{ name: `Attention ${name}`, row, out: row, opset: 23 },
    nodes: [...keys, node('Attention', ['x', 'k', 'v', mask], ['y'], attributes)],
    ...rest,
  };
}

const standard: OperatorCase[] = [
  attention('of three axes', heads),
  attention('causal', { ...heads, is_causal: int(1), scale: float(0.7) }),
  attention('with a mask', heads, {
    mask: 'm',
    tensors: [bools('m', [3, 3], [1, 0, 1, 1, 1, 0, 0, 1, 1])],
  }),
  attention(
    'with a bias and a soft cap',
    { ...heads, softcap: float(1.5) },
    {
      mask: 'm',
      tensors: [randomTensor('m', [4, 3, 3], 5)],
    },
  ),
  attention('of four axes', {}, { row: [2, 3, 4], out: [2, 3, 4] }),
  {
    ...attention('of shared keys', { q_num_heads: int(4), kv_num_heads: int(2) }),
    nodes: [
      node('MatMul', ['x', 'w'], ['k']),
      node('Attention', ['x', 'k', 'k'], ['y'], { q_num_heads: int(4), kv_num_heads: int(2) }),
    ],
    tensors: [randomTensor('w', [8, 4], 5)],
  },
  ...[0, 1].map(
    (interleaved): OperatorCase => ({
      ...{ name: `RotaryEmbedding ${interleaved}`, row: [2, 3, 6], out: [2, 3, 6], opset: 23 },
      nodes: [
        node('Shape', ['x'], ['size'], { start: int(0), end: int(1) }),
        node('Concat', ['size', 'tail'], ['to'], { axis: int(0) }),
        node('Expand', ['c', 'to'], ['cos']),
        node('Expand', ['s', 'to'], ['sin']),
        node('RotaryEmbedding', ['x', 'cos', 'sin'], ['y'], {
          interleaved: int(interleaved),
          rotary_embedding_dim: int(4),
        }),
      ],
      tensors: [
        randomTensor('c', [1, 3, 2], 3),
        randomTensor('s', [1, 3, 2], 4),
        {
          name: 'tail',
          elementType: 7,
          shape: [2],
          data: new Uint8Array(BigInt64Array.of(3n, 2n).buffer),
          rest: new Uint8Array(0),
        },
      ],
    }),
  ),
];

const gamma = randomTensor('g', [8], 1);
const beta = randomTensor('b', [8], 2);
const wide = randomTensor('w', [8, 24], 3);

function runtime(
  name: string,
  nodes: readonly OnnxNode[],
  of: Partial<OperatorCase> = {},
): OperatorCase {
  return { name: `${name} of the runtime`, row, out: row, nodes, ...of };
}

const ofRuntime: OperatorCase[] = [
  runtime('Attention', [fused('Attention', ['x', 'w', 'c'], ['y'], { num_heads: int(2) })], {
    tensors: [wide, randomTensor('c', [24], 4)],
  }),
  runtime(
    'causal Attention',
    [fused('Attention', ['x', 'w', 'c'], ['y'], { num_heads: int(2), unidirectional: int(1) })],
    { tensors: [wide, randomTensor('c', [24], 4)] },
  ),
  runtime(
    'MultiHeadAttention',
    [
      ...keys,
      fused('MultiHeadAttention', ['x', 'k', 'v', 'c', '', 'm'], ['y'], { num_heads: int(2) }),
    ],
    { tensors: [randomTensor('c', [24], 4), randomTensor('m', [1, 2, 3, 3], 5)] },
  ),
  runtime(
    'SkipLayerNormalization',
    [
      node('Tanh', ['x'], ['t']),
      fused('SkipLayerNormalization', ['x', 't', 'g', 'b', 'c'], ['n', '', '', 's'], {
        epsilon: float(1e-5),
      }),
      node('Mul', ['n', 's'], ['y']),
    ],
    { tensors: [gamma, beta, randomTensor('c', [8], 4)] },
  ),
  runtime(
    'SkipSimplifiedLayerNormalization',
    [node('Tanh', ['x'], ['t']), fused('SkipSimplifiedLayerNormalization', ['x', 't', 'g'], ['y'])],
    { tensors: [gamma] },
  ),
  runtime('BiasGelu', [fused('BiasGelu', ['x', 'b'], ['y'])], { tensors: [beta] }),
  runtime('Gelu', [fused('Gelu', ['x'], ['y'])]),
  runtime('FastGelu', [fused('FastGelu', ['x', 'b'], ['y'])], { tensors: [beta] }),
  runtime('QuickGelu', [fused('QuickGelu', ['x'], ['y'], { alpha: float(1.5) })]),
  runtime(
    'FusedMatMul',
    [fused('FusedMatMul', ['x', 'w'], ['y'], { transB: int(1), alpha: float(0.3) })],
    { tensors: [randomTensor('w', [8, 8], 5)] },
  ),
  runtime(
    'FusedGemm',
    [
      fused('FusedGemm', ['x', 'w', 'b'], ['y'], {
        transB: int(1),
        activation: text('LeakyRelu'),
        activation_alpha: float(0.2),
      }),
    ],
    { row: [8], out: [8], tensors: [randomTensor('w', [8, 8], 5), beta] },
  ),
  runtime('FusedConv', [fused('FusedConv', ['x', 'w', 'b'], ['y'], { activation: text('Relu') })], {
    row: [2, 3, 3],
    out: [2, 2, 2],
    tensors: [randomTensor('w', [2, 2, 2, 2], 5), floatTensor('b', [2], [0.3, 0.1])],
  }),
];

/** Cases. */
export const attentionCases: readonly OperatorCase[] = [...standard, ...ofRuntime];
