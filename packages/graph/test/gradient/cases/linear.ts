/** Matrix products and sums of products. */
import { float, int, node } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

function einsum(
  equation: string,
  row: readonly number[],
  of: {
    readonly out: readonly number[];
    readonly others?: readonly (readonly number[])[];
    readonly fixedRows?: boolean;
  },
): OperatorCase {
  const others = of.others ?? [];
  const names = others.map((_, i) => `w${i}`);
  return {
    name: `Einsum ${equation}`,
    row,
    out: of.out,
    fixedRows: of.fixedRows ?? false,
    nodes: [xToY('Einsum', { equation: text(equation) }, names)],
    tensors: others.map((shape, i) => randomTensor(`w${i}`, shape, i + 3)),
  };
}

/** Cases. */
export const linearCases: readonly OperatorCase[] = [
  einsum('nij,jk->nik', [2, 3], { out: [2, 4], others: [[3, 4]] }),
  einsum('nij,nkj->nik', [2, 3], { out: [2, 4], others: [[3, 4, 3]], fixedRows: true }),
  einsum('nij->nji', [2, 3], { out: [3, 2] }),
  einsum('nij->n', [2, 3], { out: [] }),
  einsum('nij,j,ik->nk', [2, 3], { out: [4], others: [[3], [2, 4]] }),
  einsum('n...j,jk->n...k', [2, 2, 3], { out: [2, 2, 4], others: [[3, 4]] }),
  einsum('...ij,...jk', [2, 3], { out: [2, 4], others: [[1, 3, 4]] }),
  einsum('nii->ni', [3, 3], { out: [3] }),
  einsum('nii->n', [3, 3], { out: [] }),
  einsum('n i j , k -> n k', [2, 3], { out: [4], others: [[4]] }),
  {
    name: 'Einsum of one value twice',
    row: [2, 3],
    out: [2, 2],
    nodes: [node('Einsum', ['x', 'x'], ['y'], { equation: text('nij,nkj->nik') })],
  },
  {
    name: 'MatMul broadcast from the left',
    row: [2, 3, 4],
    out: [2, 5, 4],
    nodes: [node('MatMul', ['w', 'x'], ['y'])],
    tensors: [randomTensor('w', [2, 5, 3], 4)],
  },
  {
    name: 'MatMul broadcast where the input is one',
    row: [1, 3, 4],
    out: [2, 3, 5],
    nodes: [xToY('MatMul', {}, ['w'])],
    tensors: [randomTensor('w', [2, 4, 5], 4)],
  },
  {
    name: 'MatMul with a vector behind',
    row: [3, 4],
    out: [3],
    nodes: [xToY('MatMul', {}, ['w'])],
    tensors: [randomTensor('w', [4], 4)],
  },
  {
    name: 'MatMul with a vector before',
    row: [3, 4],
    out: [4],
    nodes: [node('MatMul', ['w', 'x'], ['y'])],
    tensors: [randomTensor('w', [3], 4)],
  },
  {
    name: 'Gemm of weights before',
    row: [3],
    out: [3],
    nodes: [
      node('Transpose', ['x'], ['t']),
      node('Gemm', ['w', 't', 'c'], ['p'], { transA: int(1), alpha: float(0.7), beta: float(2) }),
      node('Transpose', ['p'], ['y']),
    ],
    tensors: [randomTensor('w', [3, 3], 4), randomTensor('c', [3, 1], 5)],
  },
  {
    name: 'Gemm transposed on both sides',
    row: [3],
    out: [4],
    nodes: [
      node('Transpose', ['x'], ['t']),
      node('Gemm', ['t', 'w'], ['y'], { transA: int(1), transB: int(1) }),
    ],
    tensors: [randomTensor('w', [4, 3], 4)],
    opset: 11,
  },
];
