/**
 * Models with values that sessions do not take, as models of tensors that they do: half-precision
 * inputs and outputs through casts, maps of classes (ZipMap) as the scores they are made of.
 */
import {
  elementTypes,
  int,
  mapKeys,
  node,
  type OnnxModel,
  type OnnxNode,
  type OnnxValue,
  readOnnx,
  writeOnnx,
} from '@merlon/graph';
import type { Datatype } from '../gateway/datatypes.ts';

/** A model for sessions, and what its values are to callers. */
export interface TensorsOnly {
  readonly bytes: Uint8Array;
  /** By their names in the session, where callers know them otherwise. */
  readonly told: ReadonlyMap<string, Told>;
}

/** What callers know of a value. */
export interface Told {
  readonly name: string;
  readonly datatype?: Datatype;
  /** Classes of the columns of scores. */
  readonly labels?: readonly string[];
}

const halves: ReadonlyMap<number, Datatype> = new Map([
  [elementTypes.float16, 'FP16'],
  // Has no name among the types of sessions; the number is that of TensorProto.
  [16, 'BF16'],
]);

/** The model as it came when nothing needs another form. Throws `invalid-model` (GraphError). */
export function tensorsOnly(bytes: Uint8Array): TensorsOnly {
  const model = readOnnx(bytes);
  const { graph } = model;
  const told = new Map<string, Told>();
  const constant = new Set(graph.initializers.map(({ name }) => name));
  const before: OnnxNode[] = [];
  const after: OnnxNode[] = [];
  const inputs = graph.inputs.map((value) => {
    const datatype = halves.get(value.elementType);
    if (datatype === undefined || constant.has(value.name)) return value;
    const plain = asFloats(value);
    before.push(cast(plain.name, value.name, value.elementType));
    told.set(plain.name, { name: value.name, datatype });
    return plain;
  });
  const maps = new Map(
    graph.nodes
      .filter(({ operator }) => operator === 'ZipMap')
      .map((each) => [each.outputs[0] ?? '', each] as const),
  );
  const outputs = graph.outputs.map((value) => {
    const datatype = halves.get(value.elementType);
    const map = maps.get(value.name);
    if (map !== undefined) {
      const labels = mapKeys(map);
      told.set(value.name, { name: value.name, labels });
      const columns = labels.length === 0 ? null : labels.length;
      return { name: value.name, elementType: elementTypes.float32, shape: [null, columns] };
    }
    if (datatype === undefined) return value;
    const plain = asFloats(value);
    after.push(cast(value.name, plain.name, elementTypes.float32));
    told.set(plain.name, { name: value.name, datatype });
    return plain;
  });
  if (told.size === 0) return { bytes, told };
  const nodes = graph.nodes.map((each) =>
    each.operator === 'ZipMap' ? node('Identity', each.inputs, each.outputs) : each,
  );
  const rewritten: OnnxModel = {
    ...model,
    graph: { ...graph, inputs, outputs, nodes: [...before, ...nodes, ...after] },
  };
  return { bytes: writeOnnx(rewritten), told };
}

function asFloats({ name, shape }: OnnxValue): OnnxValue {
  return { name: `merlon_float_${name}`, elementType: elementTypes.float32, shape };
}

function cast(from: string, to: string, elementType: number): OnnxNode {
  return node('Cast', [from], [to], { to: int(elementType) });
}
