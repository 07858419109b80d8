/** Functions that a model defines itself (ModelProto.functions), put in place of their calls. */
import { concat } from '@merlon/core';
import { invalidModel } from '../error.ts';
import { text, type WireField, wireFields } from '../proto/wire.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode } from './model.ts';
import { fieldAsCame, readAttribute, readNode, readOpset } from './read.ts';

/** A function: nodes with names of their own, and attributes that its calls may give. */
export interface OnnxFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that calls leave out take these. */
  readonly defaults: Readonly<Record<string, OnnxAttribute>>;
  readonly nodes: readonly OnnxNode[];
  readonly opsets: OnnxModel['opsets'];
}

const functionsField = 25;

/** The functions of a model. */
export function functionsOf(model: OnnxModel): readonly OnnxFunction[] {
  const found: OnnxFunction[] = [];
  for (const field of wireFields(model.rest)) {
    if (field.number === functionsField) found.push(readFunction(content(field)));
  }
  return found;
}

function readFunction(bytes: Uint8Array): OnnxFunction {
  const texts: Record<number, string> = {};
  const lists: Record<number, string[]> = { 4: [], 5: [] };
  const nodes: OnnxNode[] = [];
  const opsets: { domain: string; version: number }[] = [];
  const defaults: Record<string, OnnxAttribute> = Object.create(null);
  for (const field of wireFields(bytes)) {
    if (field.number === 1 || field.number === 10 || field.number === 13) {
      texts[field.number] = text(field);
    } else if (field.number === 4 || field.number === 5) lists[field.number]?.push(text(field));
    else if (field.number === 7) nodes.push(readNode(content(field)));
    else if (field.number === 9) opsets.push(readOpset(content(field)));
    else if (field.number === 11) {
      const [name, value] = readAttribute(content(field));
      defaults[name] = value;
    }
  }
  const { 1: name = '', 10: domain = '', 13: overload = '' } = texts;
  const { 4: inputs = [], 5: outputs = [] } = lists;
  return { name, domain, overload, inputs, outputs, defaults, nodes, opsets };
}

function content(field: WireField): Uint8Array {
  if (field.kind !== 'bytes') throw invalidModel(`field ${field.number} expected a message`);
  return field.bytes;
}

/** Calls inside of calls are counted too; no sound model has so many nodes. */
const nodesMax = 1_000_000;
const depthMax = 32;

/**
 * The model without functions: every call is replaced by the function's nodes, after `prepare` has
 * brought a body from the function's own opsets to the model's. Throws `invalid-model` when
 * functions call each other in a circle.
 */
export function inlineFunctions(
  model: OnnxModel,
  prepare: (of: OnnxFunction) => readonly OnnxNode[] = ({ nodes }) => nodes,
): OnnxModel {
  const functions = functionsOf(model);
  if (functions.length === 0) return model;
  const bodies = new Map<string, OnnxFunction>();
  for (const each of functions) {
    bodies.set(keyOf(each), { ...each, nodes: prepare(each) });
  }
  const inliner = new Inliner(bodies);
  const others = [...wireFields(model.rest)].filter(({ number }) => number !== functionsField);
  const rest = concat(others.map(fieldAsCame));
  return { ...model, graph: inliner.graph(model.graph, 0), rest };
}

function keyOf(of: { readonly domain: string; readonly name: string; readonly overload: string }) {
  return [of.domain, of.name, of.overload].join('\n');
}

class Inliner {
  readonly #bodies: ReadonlyMap<string, OnnxFunction>;
  #count = 0;
  #nodes = 0;

  constructor(bodies: ReadonlyMap<string, OnnxFunction>) {
    this.#bodies = bodies;
  }

  graph(graph: OnnxGraph, depth: number): OnnxGraph {
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.#node(node, depth)) };
  }

  #node(node: OnnxNode, depth: number): readonly OnnxNode[] {
    this.#nodes++;
    if (depth > depthMax) throw invalidModel('its functions call each other in a circle');
    if (this.#nodes > nodesMax) throw invalidModel('its functions have too many nodes');
    const body = this.#bodies.get(
      keyOf({ domain: node.domain, name: node.operator, overload: overloadOf(node) }),
    );
    if (body !== undefined) return this.#call(node, body, depth);
    const inner = Object.entries(node.attributes).map(([name, attribute]) => {
      if (attribute.kind !== 'graph') return [name, attribute] as const;
      return [name, { kind: 'graph', value: this.graph(attribute.value, depth) }] as const;
    });
    return [{ ...node, attributes: Object.fromEntries(inner) }];
  }

  #call(call: OnnxNode, body: OnnxFunction, depth: number): readonly OnnxNode[] {
    const prefix = `merlon/function/${this.#count++}`;
    const names = new Map<string, string>();
    for (const [i, name] of body.inputs.entries()) names.set(name, call.inputs[i] ?? '');
    const passed: OnnxNode[] = [];
    for (const [i, name] of body.outputs.entries()) {
      const output = call.outputs[i] ?? '';
      if (output === '') continue;
      if (!names.has(name)) names.set(name, output);
      else passed.push(identity(names.get(name) ?? '', output));
    }
    const attributes = { ...body.defaults, ...call.attributes };
    const inside = body.nodes.map((node) => copied(node, { names, prefix, attributes }));
    return [...inside, ...passed].flatMap((node) => this.#node(node, depth + 1));
  }
}

function identity(input: string, output: string): OnnxNode {
  const name = `${output}/same`;
  return {
    name,
    operator: 'Identity',
    domain: '',
    inputs: [input],
    outputs: [output],
    attributes: {},
  };
}

interface Copy {
  readonly names: ReadonlyMap<string, string>;
  readonly prefix: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

function copied(node: OnnxNode, of: Copy): OnnxNode {
  const change = (name: string): string =>
    name === '' ? '' : (of.names.get(name) ?? `${of.prefix}/${name}`);
  const attributes: [string, OnnxAttribute][] = [];
  for (const [name, attribute] of Object.entries(node.attributes)) {
    const reference = referenceOf(attribute);
    if (reference === null) attributes.push([name, copiedAttribute(attribute, of)]);
    else {
      const given = of.attributes[reference];
      if (given !== undefined) attributes.push([name, given]);
    }
  }
  return {
    ...node,
    name: change(node.name === '' ? (node.outputs[0] ?? '') : node.name),
    inputs: node.inputs.map(change),
    outputs: node.outputs.map(change),
    attributes: Object.fromEntries(attributes),
  };
}

function copiedAttribute(attribute: OnnxAttribute, of: Copy): OnnxAttribute {
  if (attribute.kind !== 'graph') return attribute;
  const graph = attribute.value;
  const change = <T extends { readonly name: string }>(value: T): T => {
    return { ...value, name: of.names.get(value.name) ?? `${of.prefix}/${value.name}` };
  };
  const value = {
    ...graph,
    inputs: graph.inputs.map(change),
    outputs: graph.outputs.map(change),
    values: [],
    initializers: graph.initializers.map(change),
    nodes: graph.nodes.map((node) => copied(node, of)),
  };
  return { kind: 'graph', value };
}

const referenceField = 21;

/** The attribute of the call that an attribute of the body stands for, or null. */
function referenceOf(attribute: OnnxAttribute): string | null {
  if (attribute.kind !== 'raw') return null;
  for (const field of wireFields(attribute.value)) {
    if (field.number === referenceField) return text(field);
  }
  return null;
}

const overloadField = 8;

/** Functions of one name may differ by this (NodeProto, field 8). */
function overloadOf({ rest }: OnnxNode): string {
  for (const field of wireFields(rest ?? new Uint8Array(0))) {
    if (field.number === overloadField) return text(field);
  }
  return '';
}
