/** Random ensembles of every mode, written as ONNX operators, and rows that stand on thresholds. */
import { concat, type Random, utf8 } from '@merlon/core';
import {
  elementTypes,
  float,
  int,
  ints,
  node,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../../src/index.ts';
import { varint } from '../../src/proto/wire.ts';

/** What a random ensemble should be like. */
export interface Wanted {
  readonly trees: number;
  readonly depth: number;
  readonly features: number;
  readonly targets: number;
  readonly modes: readonly string[];
  readonly missing: boolean;
  /** The only target with weights, or undefined for all of them. */
  readonly only?: number;
  readonly positive?: boolean;
}

interface Lists {
  [name: string]: (number | string)[];
}

/** Node and weight lists of the operators of version 1 to 3; weights under the prefix `own_`. */
export function randomLists(wanted: Wanted, random: Random): Lists {
  const lists: Lists = {};
  const push = (values: Record<string, number | string>) => {
    for (const [name, value] of Object.entries(values)) {
      lists[name] = [...(lists[name] ?? []), value];
    }
  };
  for (let tree = 0; tree < wanted.trees; tree++) {
    let next = 0;
    const grow = (depth: number): number => {
      const id = next++;
      const leaf = depth === 0 || random.uniform() < 0.2;
      const at = lists.nodes_treeids?.length ?? 0;
      push({
        nodes_treeids: tree,
        nodes_nodeids: id,
        nodes_featureids: leaf ? 0 : random.integer(wanted.features),
        nodes_modes: leaf ? 'LEAF' : (wanted.modes[random.integer(wanted.modes.length)] ?? ''),
        nodes_values: leaf ? 0 : random.integer(9) / 4 - 1,
        nodes_truenodeids: 0,
        nodes_falsenodeids: 0,
        nodes_missing_value_tracks_true: wanted.missing ? random.integer(2) : 0,
      });
      if (leaf) {
        for (let target = 0; target < wanted.targets; target++) {
          if (wanted.only !== undefined && wanted.only !== target) continue;
          const weight = Math.fround(random.normal());
          push({
            own_treeids: tree,
            own_nodeids: id,
            own_ids: target,
            own_weights: wanted.positive ? Math.abs(weight) / wanted.trees : weight,
          });
        }
        return id;
      }
      const yes = grow(depth - 1);
      const no = grow(depth - 1);
      (lists.nodes_truenodeids ?? [])[at] = yes;
      (lists.nodes_falsenodeids ?? [])[at] = no;
      return id;
    };
    grow(wanted.depth);
  }
  return lists;
}

/** The operator of such lists. */
export function treeNode(
  operator: 'TreeEnsembleClassifier' | 'TreeEnsembleRegressor',
  lists: Lists,
  more: Readonly<Record<string, OnnxAttribute>>,
): OnnxNode {
  const prefix = operator === 'TreeEnsembleClassifier' ? 'class' : 'target';
  const attributes: Record<string, OnnxAttribute> = {};
  for (const [key, values] of Object.entries(lists)) {
    const name = key.replace('own', prefix);
    if (key === 'nodes_modes') attributes[name] = strings(name, values.map(String));
    else if (/values$|weights$/.test(key)) attributes[name] = floats(values.map(Number));
    else attributes[name] = ints(values.map(Number));
  }
  const outputs = operator === 'TreeEnsembleClassifier' ? ['label', 'scores'] : ['scores'];
  const own = node(operator, ['x'], outputs, { ...attributes, ...more });
  return { ...own, domain: 'ai.onnx.ml' };
}

/** A model of one input `x` with these nodes. */
export function modelOf(
  nodes: readonly OnnxNode[],
  features: number,
  outputs: readonly OnnxValue[],
  initializers: readonly OnnxTensor[] = [],
  ml = 3,
): OnnxModel {
  const input = { name: 'x', elementType: elementTypes.float32, shape: ['N', features] };
  const rest = new Uint8Array(0);
  return {
    irVersion: 8,
    opsets: [
      { domain: '', version: 17 },
      { domain: 'ai.onnx.ml', version: ml },
    ],
    producer: 'test',
    graph: { name: 'g', nodes, initializers, inputs: [input], outputs, values: [], rest },
    rest,
  };
}

/** Outputs of a classifier of `targets` classes. */
export function classOutputs(targets: number): OnnxValue[] {
  return [{ name: 'label', elementType: elementTypes.int64, shape: ['N'] }, scoreOutput(targets)];
}

/** An output of scores. */
export function scoreOutput(targets: number): OnnxValue {
  return { name: 'scores', elementType: elementTypes.float32, shape: ['N', targets] };
}

/** Rows whose values are thresholds, their neighbours in float32, random, or missing. */
export function edgyRows(rows: number, width: number, random: Random, missing: boolean) {
  const bits = new DataView(new ArrayBuffer(4));
  return Float32Array.from({ length: rows * width }, () => {
    const kind = random.integer(missing ? 5 : 4);
    if (kind === 4) return Number.NaN;
    const value = random.integer(9) / 4 - 1;
    if (kind === 0) return random.normal();
    if (kind === 1 || value === 0) return value;
    bits.setFloat32(0, value);
    bits.setInt32(0, bits.getInt32(0) + (kind === 2 ? 1 : -1));
    return bits.getFloat32(0);
  });
}

/** A list of floats as attribute. */
export function floats(value: readonly number[]): OnnxAttribute {
  return { kind: 'floats', value };
}

/** A text as attribute. */
export function text(value: string): OnnxAttribute {
  return { kind: 'string', value: utf8(value) };
}

/** A list of texts as attribute (AttributeProto: name 1, strings 9, type 20). */
export function strings(name: string, values: readonly string[]): OnnxAttribute {
  const field = (number: number, value: string) => {
    const bytes = utf8(value);
    return concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
  };
  const type = concat([varint(BigInt(20 << 3)), varint(8n)]);
  const value = concat([field(1, name), ...values.map((each) => field(9, each)), type]);
  return { kind: 'raw', value };
}

export { float, int, ints, node };
