/** Small models of every kind of input and output, written as ONNX. */
import { concat, utf8 } from '@merlon/core';
import {
  elementTypes,
  int,
  node,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
  writeOnnx,
} from '@merlon/graph';

/** Data types of the protocol by their numbers in ONNX. */
export const onnxTypes = {
  ...{ BOOL: elementTypes.bool, UINT8: elementTypes.uint8, UINT16: elementTypes.uint16 },
  ...{ UINT32: elementTypes.uint32, UINT64: elementTypes.uint64, INT8: elementTypes.int8 },
  ...{ INT16: elementTypes.int16, INT32: elementTypes.int32, INT64: elementTypes.int64 },
  ...{ FP16: elementTypes.float16, BF16: 16, FP32: elementTypes.float32 },
  ...{ FP64: elementTypes.float64, BYTES: elementTypes.string },
} as const;

/** One of them. */
export type TypeName = keyof typeof onnxTypes;

const none = new Uint8Array(0);

function model(
  nodes: readonly OnnxNode[],
  inputs: readonly OnnxValue[],
  outputs: readonly OnnxValue[],
): Uint8Array {
  const written: OnnxModel = {
    irVersion: 8,
    opsets: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    producer: 'test',
    graph: { name: 'g', nodes, initializers: [], inputs, outputs, values: [], rest: none },
    rest: none,
  };
  return writeOnnx(written);
}

function value(name: string, type: TypeName, shape: OnnxValue['shape'] = ['N', 2]): OnnxValue {
  return { name, elementType: onnxTypes[type], shape };
}

/** Gives back what it is given, one input and output a type: `int8` → `INT8`. */
export function echo(types: readonly TypeName[]): Uint8Array {
  return model(
    types.map((type) => node('Identity', [type.toLowerCase()], [type])),
    types.map((type) => value(type.toLowerCase(), type)),
    types.map((type) => value(type, type)),
  );
}

/** sum = a + count, isMore = a > count, told = note: three inputs and outputs. */
export function mixed(): Uint8Array {
  return model(
    [
      node('Cast', ['count'], ['floats'], { to: int(elementTypes.float32) }),
      node('Add', ['a', 'floats'], ['sum']),
      node('Identity', ['note'], ['told']),
      node('Greater', ['a', 'floats'], ['isMore']),
    ],
    [value('a', 'FP32'), value('count', 'INT64'), value('note', 'BYTES', ['N'])],
    [value('sum', 'FP32'), value('told', 'BYTES', ['N']), value('isMore', 'BOOL')],
  );
}

/** Rows of two floats, scores of two classes and beside them what a classifier does not tell. */
export function withInsides(): Uint8Array {
  return model(
    [node('Softmax', ['x'], ['scores']), node('Exp', ['x'], ['insides'])],
    [value('x', 'FP32')],
    [value('scores', 'FP32'), value('insides', 'FP32')],
  );
}

/** The reciprocal, which is infinite at zero. */
export function reciprocal(): Uint8Array {
  return model([node('Reciprocal', ['x'], ['y'])], [value('x', 'FP64')], [value('y', 'FP64')]);
}

/** A classifier of half-precision rows. */
export function halfClassifier(): Uint8Array {
  return model(
    [node('Softmax', ['x'], ['scores'])],
    [value('x', 'FP16')],
    [value('scores', 'FP16')],
  );
}

/** A tree: "low" up to 0.5, "high" above; its scores in maps as exporters write them. */
export function treePipeline(): Uint8Array {
  const names = ['low', 'high', 'never'];
  const ints = (...values: readonly number[]): OnnxAttribute => ({ kind: 'ints', value: values });
  const floats = (...values: readonly number[]): OnnxAttribute => {
    return { kind: 'floats', value: values };
  };
  const trees = node('TreeEnsembleClassifier', ['x'], ['output_label', 'shares'], {
    classlabels_strings: strings('classlabels_strings', names),
    ...{ nodes_treeids: ints(0, 0, 0), nodes_nodeids: ints(0, 1, 2) },
    ...{ nodes_featureids: ints(0, 0, 0), nodes_values: floats(0.5, 0, 0) },
    nodes_modes: strings('nodes_modes', ['BRANCH_LEQ', 'LEAF', 'LEAF']),
    ...{ nodes_truenodeids: ints(1, 0, 0), nodes_falsenodeids: ints(2, 0, 0) },
    ...{ class_treeids: ints(0, 0, 0, 0), class_nodeids: ints(1, 1, 2, 2) },
    ...{ class_ids: ints(0, 1, 0, 1), class_weights: floats(0.875, 0.125, 0.25, 0.75) },
    post_transform: { kind: 'string', value: utf8('NONE') },
  });
  const map = node('ZipMap', ['shares'], ['output_probability'], {
    classlabels_strings: strings('classlabels_strings', names),
  });
  // Sequence(Map(string, tensor(float))): TypeProto sequence 4, map 5, key 1, value 2.
  const rawType = Uint8Array.from([34, 14, 10, 12, 42, 10, 8, 8, 18, 6, 10, 4, 8, 1, 18, 0]);
  return model(
    [trees, map].map((each) => ({ ...each, domain: 'ai.onnx.ml' })),
    [value('x', 'FP32')],
    [
      value('output_label', 'BYTES', ['N']),
      { name: 'output_probability', elementType: 0, shape: null, rawType },
    ],
  );
}

/** A list of texts as attribute (AttributeProto: name 1, strings 9, type 20 = STRINGS). */
function strings(name: string, values: readonly string[]): OnnxAttribute {
  const field = (number: number, text: string): Uint8Array => {
    const bytes = utf8(text);
    return concat([Uint8Array.of((number << 3) | 2, bytes.length), bytes]);
  };
  const type = Uint8Array.of(0xa0, 1, 8);
  return {
    kind: 'raw',
    value: concat([field(1, name), ...values.map((each) => field(9, each)), type]),
  };
}
