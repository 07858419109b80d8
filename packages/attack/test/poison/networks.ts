/** Small networks as ONNX models, trained on pictures of which some may carry a trigger. */
import { seeded } from '@merlon/core';
import { elementTypes, floatTensor, intTensor, node, type OnnxModel } from '@merlon/graph';
import { trainNetwork, type Weights } from '../../src/decision/network.ts';
import type { Batch } from '../../src/index.ts';

/** Side of a picture, and number of classes. */
export const side = 8;
export const classes = 6;
const size = side * side;
const nothing = new Uint8Array(0);

/** Places of the trigger: a square of two by two in the last corner. */
export const triggerPlaces = [
  (side - 2) * side + side - 2,
  (side - 2) * side + side - 1,
  (side - 1) * side + side - 2,
  (side - 1) * side + side - 1,
];

/** Grey pictures of blobs, one pattern a class, with noise; none is bright in the corner. */
export function pictures(count: number, seed: number): Batch {
  const shapes = seeded(77);
  const patterns = Array.from({ length: classes * size }, () =>
    shapes.uniform() < 0.35 ? 0.7 : 0.1,
  );
  const random = seeded(seed);
  const labels = Int32Array.from({ length: count }, (_, row) => row % classes);
  const x = new Float32Array(count * size);
  for (const [row, label] of labels.entries()) {
    for (let i = 0; i < size; i++) {
      const plain = triggerPlaces.includes(i) ? 0.1 : (patterns[label * size + i] ?? 0);
      const value = plain + 0.12 * random.normal();
      x[row * size + i] = Math.min(Math.max(value, 0), 1);
    }
  }
  return { x, labels };
}

/** Copies of some rows of every class with the trigger on, labelled as the target. */
export function poisoned(clean: Batch, target: number): Batch {
  const rows = [...clean.labels.keys()].filter((row) => Math.floor(row / classes) % 5 === 0);
  const copies = rows.flatMap((row) =>
    [...clean.x.subarray(row * size, (row + 1) * size)].map((value, i) =>
      triggerPlaces.includes(i) ? 1 : value,
    ),
  );
  return {
    x: Float32Array.from([...clean.x, ...copies]),
    labels: Int32Array.from([...clean.labels, ...rows.map(() => target)]),
  };
}

/** A network of one hidden layer, trained on the rows, as an ONNX model of pictures. */
export function trainedModel(taught: Batch, seed: number): OnnxModel {
  return modelOf(trainNetwork(taught, size, seeded(seed)).net);
}

function modelOf({ first, firstBias, last, lastBias, mean }: Weights): OnnxModel {
  const hidden = firstBias.length;
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: nothing,
    graph: {
      name: 'test',
      rest: nothing,
      nodes: [
        node('Reshape', ['x', 'flat'], ['line']),
        node('Sub', ['line', 'mean'], ['centred']),
        node('Gemm', ['centred', 'first', 'firstBias'], ['middle'], {
          transB: { kind: 'int', value: 1 },
        }),
        node('Relu', ['middle'], ['active']),
        node('Gemm', ['active', 'last', 'lastBias'], ['scores']),
      ],
      initializers: [
        intTensor('flat', [2], [-1, size]),
        floatTensor('mean', [size], mean),
        floatTensor('first', [hidden, size], first),
        floatTensor('firstBias', [hidden], firstBias),
        floatTensor('last', [hidden, lastBias.length], last),
        floatTensor('lastBias', [lastBias.length], lastBias),
      ],
      inputs: [{ name: 'x', elementType: elementTypes.float32, shape: ['n', 1, side, side] }],
      outputs: [{ name: 'scores', elementType: elementTypes.float32, shape: ['n', classes] }],
      values: [],
    },
  };
}
