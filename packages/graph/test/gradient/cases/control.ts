/** Control flow of a known course. */
import {
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '../../../src/index.ts';
import { type OperatorCase, randomTensor } from '../models.ts';

const value = (
  name: string,
  elementType = 1,
  shape: readonly number[] | null = null,
): OnnxGraph['inputs'][number] => {
  return { name, elementType, shape };
};

function graph(
  nodes: readonly OnnxNode[],
  inputs: readonly OnnxGraph['inputs'][number][],
  of: {
    readonly outputs: readonly OnnxGraph['inputs'][number][];
    readonly tensors?: readonly OnnxTensor[];
  },
): OnnxAttribute {
  const { outputs, tensors = [] } = of;
  const rest = new Uint8Array(0);
  return {
    kind: 'graph',
    value: { name: 'inner', nodes, inputs, outputs, initializers: tensors, values: [], rest },
  };
}

const yes = {
  name: 'yes',
  elementType: 9,
  shape: [],
  data: Uint8Array.of(1),
  rest: new Uint8Array(0),
};
const row = [3, 4] as const;

const branches = (first: string, second: string) => ({
  then_branch: graph([node(first, ['x'], ['a'])], [], { outputs: [value('a')] }),
  else_branch: graph([node(second, ['x'], ['b'])], [], { outputs: [value('b')] }),
});

/** Cases. */
export const controlCases: readonly OperatorCase[] = [
  {
    ...{ name: 'If of a constant', row, out: row },
    nodes: [node('If', ['yes'], ['y'], branches('Tanh', 'Sin'))],
    tensors: [yes],
  },
  {
    ...{ name: 'If of a size', row, out: row },
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'one'], ['width']),
      node('Greater', ['width', 'five'], ['wide']),
      node('If', ['wide'], ['y'], branches('Tanh', 'Sin')),
    ],
    tensors: [intTensor('one', [], [1]), intTensor('five', [], [5])],
  },
  {
    ...{ name: 'If in an If', row, out: row },
    nodes: [
      node('If', ['yes'], ['y'], {
        ...branches('Tanh', 'Sin'),
        then_branch: graph(
          [
            node('Tanh', ['x'], ['t']),
            node('If', ['yes'], ['i'], {
              then_branch: graph([node('Mul', ['t', 'x'], ['a'])], [], { outputs: [value('a')] }),
              else_branch: graph([node('Sin', ['t'], ['b'])], [], { outputs: [value('b')] }),
            }),
          ],
          [],
          { outputs: [value('i')] },
        ),
      }),
    ],
    tensors: [yes],
  },
  {
    ...{ name: 'Loop with states and collected values', row, out: [3, 3, 4] },
    nodes: [
      node('Loop', ['three', 'yes', 'x'], ['last', 'all'], {
        body: graph(
          [
            node('Identity', ['c'], ['c2']),
            node('Mul', ['h', 'f'], ['scaled']),
            node('Tanh', ['scaled'], ['h2']),
            node('Add', ['h2', 'x'], ['each']),
          ],
          [value('turn', 7, []), value('c', 9, []), value('h')],
          {
            outputs: [value('c2', 9, []), value('h2'), value('each')],
            tensors: [floatTensor('f', [], [1.3])],
          },
        ),
      }),
      node('Mul', ['all', 'last'], ['m']),
      node('Transpose', ['m'], ['y'], { perm: ints([1, 0, 2, 3]) }),
    ],
    tensors: [intTensor('three', [], [3]), yes],
  },
  {
    ...{ name: 'Scan of two sequences', row, out: [3, 4] },
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([1, 0, 2]) }),
      node('ReduceSum', ['t', 'zero'], ['start'], { keepdims: int(0) }),
      node('Scan', ['start', 't', 't'], ['last', 'all'], {
        body: graph(
          [
            node('Tanh', ['a'], ['ta']),
            node('Add', ['h', 'ta'], ['sum']),
            node('Mul', ['sum', 'b'], ['out']),
            node('MatMul', ['out', 'w'], ['h2']),
          ],
          [value('h'), value('a'), value('b')],
          { outputs: [value('h2'), value('out')] },
        ),
        num_scan_inputs: int(2),
        scan_input_directions: ints([0, 1]),
        scan_output_directions: ints([1]),
      }),
      node('Add', ['all', 'last'], ['m']),
      node('Transpose', ['m'], ['y'], { perm: ints([1, 0, 2]) }),
    ],
    tensors: [randomTensor('w', [4, 4], 4), intTensor('zero', [1], [0])],
  },
];
