/** Tensors kept outside of the file (TensorProto.external_data), read by whom the caller names. */
import { invalidModel } from '../error.ts';
import { text, wireFields } from '../proto/wire.ts';
import {
  isWhole,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxTensor,
} from './model.ts';

/** A part of a file beside the model. */
export interface ExternalPart {
  /** A relative path that does not leave the model's folder. */
  readonly location: string;
  readonly offset: number;
  /** Bytes; null for all up to the end. */
  readonly length: number | null;
}

/** Hands out a part of a file; this package opens no file itself. */
export type ReadExternal = (part: ExternalPart) => Promise<Uint8Array>;

/**
 * The model with every tensor inside. Throws `invalid-model` for paths that are absolute or point
 * upwards, and when a part is not as long as its tensor needs.
 */
export async function withExternalData(model: OnnxModel, read: ReadExternal): Promise<OnnxModel> {
  return { ...model, graph: await graphWith(model.graph, read) };
}

/** Every part of a file beside the model that its tensors are in. Throws as `withExternalData`. */
export function externalParts({ graph }: Pick<OnnxModel, 'graph'>): ExternalPart[] {
  const inNodes = graph.nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap((attribute) => {
      if (attribute.kind === 'tensor') return externalPart(attribute.value) ?? [];
      return attribute.kind === 'graph' ? externalParts({ graph: attribute.value }) : [];
    }),
  );
  return [...graph.initializers.flatMap((tensor) => externalPart(tensor) ?? []), ...inNodes];
}

async function graphWith(graph: OnnxGraph, read: ReadExternal): Promise<OnnxGraph> {
  const initializers: OnnxTensor[] = [];
  // One after another: parts are large, and whoever reads them may keep a file open.
  for (const tensor of graph.initializers) initializers.push(await tensorWith(tensor, read));
  const nodes = [];
  for (const node of graph.nodes) {
    const attributes: [string, OnnxAttribute][] = [];
    for (const [name, attribute] of Object.entries(node.attributes)) {
      attributes.push([name, await attributeWith(attribute, read)]);
    }
    nodes.push({ ...node, attributes: Object.fromEntries(attributes) });
  }
  return { ...graph, initializers, nodes };
}

async function attributeWith(attribute: OnnxAttribute, read: ReadExternal): Promise<OnnxAttribute> {
  if (attribute.kind === 'graph') {
    return { kind: 'graph', value: await graphWith(attribute.value, read) };
  }
  if (attribute.kind !== 'tensor') return attribute;
  return { kind: 'tensor', value: await tensorWith(attribute.value, read) };
}

async function tensorWith(tensor: OnnxTensor, read: ReadExternal): Promise<OnnxTensor> {
  const part = externalPart(tensor);
  if (part === null) return tensor;
  const data = (await read(part)).slice();
  const whole = { ...tensor, data, rest: new Uint8Array(0) };
  if (isWhole(whole) && (part.length === null || part.length === data.length)) return whole;
  const got = `${data.length} bytes of "${part.location.slice(0, 60)}"`;
  throw invalidModel(`tensor "${tensor.name.slice(0, 40)}" does not fit ${got}`);
}

const external = { entries: 13, location: 14 } as const;

/** Where a tensor's elements are; null for tensors inside the file. */
export function externalPart({ name, rest }: OnnxTensor): ExternalPart | null {
  const entries = new Map<string, string>();
  let outside = false;
  for (const field of wireFields(rest)) {
    if (field.number === external.location) outside = field.integer === 1n;
    if (field.number !== external.entries) continue;
    const pair: Record<number, string> = {};
    for (const inner of wireFields(field.bytes)) pair[inner.number] = text(inner);
    entries.set(pair[1] ?? '', pair[2] ?? '');
  }
  if (!outside) return null;
  const location = entries.get('location') ?? '';
  if (!isInside(location)) {
    throw invalidModel(`tensor "${name.slice(0, 40)}" is kept at "${location.slice(0, 60)}"`);
  }
  const length = entries.get('length');
  return {
    location,
    offset: whole(name, entries.get('offset') ?? '0'),
    length: length === undefined ? null : whole(name, length),
  };
}

/** True for relative paths that stay below where they begin. */
function isInside(location: string): boolean {
  if (location === '' || /^[/\\]|^[a-z]:|\0/i.test(location)) return false;
  return !location.split(/[/\\]/).includes('..');
}

function whole(name: string, digits: string): number {
  const value = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw invalidModel(`tensor "${name.slice(0, 40)}" has a broken place "${digits.slice(0, 20)}"`);
}
