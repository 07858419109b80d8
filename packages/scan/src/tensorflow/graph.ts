/**
 * Audits graphs of TensorFlow: SavedModel (saved_model.proto), MetaGraphDef (`.meta`), frozen
 * GraphDef. Every node of every function is asked what its operator does; weights are passed over.
 */
import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { isPrivatePath } from '../text/command.ts';
import { scanConfiguration, scanDescription } from '../text/configuration.ts';
import { addressKind, embeddedCode } from '../text/embedded.ts';
import { parseJson } from '../text/json.ts';
import {
  type Field,
  MalformedMessage,
  type Message,
  type Schema,
  shapeOf,
  walkMessages,
} from '../wire/protobuf.ts';
import { FileUses } from './files.ts';
import { isCustomOperator, operatorFault } from './operators.ts';

/** Kinds of files that hold a graph. */
export type GraphKind = 'saved-model' | 'meta-graph' | 'graph-def' | 'keras-metadata';

const schema: Schema = {
  saved: { inner: { 2: 'meta' } },
  meta: { inner: { 2: 'graph', 4: 'collection', 6: 'asset', 7: 'objects' } },
  collection: { inner: { 2: 'collected' }, texts: [1] },
  collected: { inner: { 1: 'nodes', 2: 'blobs' } },
  nodes: { texts: [1] },
  blobs: { texts: [1] },
  asset: { inner: { 1: 'info' }, texts: [2] },
  info: { texts: [1] },
  layers: { inner: { 1: 'layer' } },
  layer: { texts: [5] },
  objects: { inner: { 1: 'object', 2: 'concrete' } },
  concrete: {},
  object: { inner: { 4: 'user' } },
  user: { texts: [1, 3] },
  graph: { inner: { 1: 'node', 2: 'library' } },
  library: { inner: { 1: 'function' } },
  function: { inner: { 1: 'signature', 3: 'node' } },
  signature: { texts: [1] },
  node: { inner: { 5: 'attribute' }, texts: [1, 2, 3] },
  attribute: { inner: { 2: 'value' }, texts: [1] },
  value: { inner: { 1: 'list', 8: 'tensor' }, texts: [2] },
  list: { texts: [2] },
  tensor: { texts: [8] },
};
const roots: Readonly<Record<GraphKind, string>> = {
  'saved-model': 'saved',
  'meta-graph': 'meta',
  'graph-def': 'graph',
  'keras-metadata': 'layers',
};
const namesMax = 100_000;
const usesMax = 20;
const customMax = 100;
const textsMax = 1000;

interface Walk {
  readonly place: Place;
  /** Operators and nodes that were told. */
  readonly told: Set<string>;
  readonly files: FileUses;
  /** Operators that TensorFlow does not have, unless the graph defines them as functions. */
  readonly custom: Map<string, number>;
  readonly functions: Set<string>;
  /** Texts of the node that is read. */
  readonly texts: string[];
}

/** Which kind of graph the bytes are by their structure, or null. */
export async function probeGraph(cursor: Cursor): Promise<GraphKind | null> {
  const start = cursor.at;
  const fields = await shapeOf(cursor, cursor.size);
  const [first] = fields ?? [];
  if (fields === null || first === undefined) return null;
  const fits = (allowed: string): boolean =>
    fields.every(({ number, wire }) => allowed.includes(` ${number}:${wire} `));
  const later = new Cursor(cursor.source, start);
  if (fits(' 1:0 2:2 ') && fields.some(({ number }) => number === 2)) {
    const known = first.wire !== 0 || first.value === 1;
    return known && (await holds(later, fields, 2, isMetaGraph)) ? 'saved-model' : null;
  }
  if (fits(' 1:2 2:2 3:2 4:2 5:2 6:2 7:2 ') && (await holds(later, fields, 1, isMetaInfo))) {
    const again = new Cursor(cursor.source, start);
    const graph = fields.some(({ number }) => number === 2);
    return graph && (await holds(again, fields, 2, isGraphDef)) ? 'meta-graph' : null;
  }
  const layers = new Cursor(cursor.source, start);
  if (fits(' 1:2 ') && (await holds(layers, fields, 1, isLayer))) return 'keras-metadata';
  const isGraph = fits(' 1:2 2:2 3:0 4:2 5:2 ') && first.number === 1;
  const nodes = new Cursor(cursor.source, start);
  return isGraph && (await holds(nodes, fields, 1, isNode)) ? 'graph-def' : null;
}

/** Audits the graph. */
export async function scanGraph(place: Place, kind: GraphKind): Promise<void> {
  const cursor = new Cursor(place.source);
  const walk: Walk = {
    place,
    told: new Set(),
    files: new FileUses(),
    custom: new Map(),
    functions: new Set(),
    texts: [],
  };
  try {
    await walkMessages(cursor, schema, roots[kind], (message) => leave(walk, message));
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  for (const use of walk.files.finish(kind === 'graph-def').slice(0, usesMax)) {
    tell(place, 'MRL-TFS-001', use);
  }
  for (const [operator, offset] of walk.custom) {
    if (!walk.functions.has(operator)) tell(place, 'MRL-CUS-001', { evidence: operator, offset });
  }
  place.audit.dataBytes.count += place.source.size;
}

function leave(walk: Walk, message: Message): void {
  const { place } = walk;
  switch (message.name) {
    case 'node':
      leaveNode(walk, message);
      return;
    case 'tensor':
    case 'value':
    case 'list':
      for (const text of [...(message.texts.get(8) ?? []), ...(message.texts.get(2) ?? [])]) {
        leaveText(place, text, message.offset);
        if (walk.texts.length < textsMax) walk.texts.push(text);
      }
      return;
    case 'user':
      for (const text of message.texts.get(3) ?? []) leaveMetadata(place, text);
      return;
    case 'signature':
      for (const name of message.texts.get(1) ?? []) walk.functions.add(name);
      return;
    case 'layer':
      for (const text of message.texts.get(5) ?? []) leaveMetadata(place, text);
      return;
    case 'info':
      for (const name of message.texts.get(1) ?? []) walk.files.asset(name);
      return;
    case 'asset':
      for (const name of message.texts.get(2) ?? []) {
        const outside = name.split(/[/\\]/).includes('..') || /^[/\\]|^[A-Za-z]:/.test(name);
        if (outside) tell(place, 'MRL-ONX-001', { evidence: name, offset: message.offset });
      }
      return;
    default:
      return;
  }
}

function leaveNode(walk: Walk, message: Message): void {
  const { place, told, files, texts } = walk;
  const [operator = ''] = message.texts.get(2) ?? [];
  const [node = ''] = message.texts.get(1) ?? [];
  const { offset } = message;
  const inputs = message.texts.get(3) ?? [];
  files.add({ name: node, operator, inputs, texts: texts.splice(0), offset });
  const fault = operatorFault(operator);
  const isCustom = fault === null && operator !== '' && isCustomOperator(operator);
  if (isCustom && walk.custom.size < customMax) walk.custom.set(operator, offset);
  if (fault === null || told.size > namesMax) return;
  if (told.has(`${operator} ${node}`)) return;
  told.add(`${operator} ${node}`);
  const { severity, why } = fault;
  const evidence = `${operator} (${why})`;
  tell(place, 'MRL-TFS-001', { evidence, severity, offset: message.offset, pointer: node });
}

/** Constants of a graph are data, but a path to somebody's keys or a command is not. */
function leaveText(place: Place, text: string, offset: number): void {
  if (text.length < 4 || text.length > 4096) return;
  const isWritten = /^file:\/\//.test(text) || isPrivatePath(text);
  if (isWritten) {
    tell(place, 'MRL-TFS-001', { evidence: text, offset, severity: 'high' });
    return;
  }
  const kind = addressKind(text);
  const found = embeddedCode(text);
  if (found !== null) tell(place, 'MRL-CFG-002', { evidence: found.evidence, offset });
  else if (kind !== null && kind !== 'plain')
    tell(place, 'MRL-CFG-002', { evidence: text, offset });
}

/** Keras keeps the configuration of a layer in its object. */
function leaveMetadata(place: Place, text: string): void {
  const parsed = parseJson(text);
  if (parsed === null) scanDescription(place, 'metadata', text, 'object_graph');
  else scanConfiguration(place, parsed.value);
}

async function holds(
  cursor: Cursor,
  fields: readonly Field[],
  number: number,
  test: (inner: readonly Field[], cursor: Cursor, start: number) => Promise<boolean>,
): Promise<boolean> {
  const wanted = fields.findIndex((field) => field.number === number);
  const again = await shapeStarts(cursor, wanted);
  if (again === null) return false;
  const inner = new Cursor(cursor.source, again.at);
  const shape = await shapeOf(inner, again.at + again.length);
  return shape !== null && test(shape, cursor, again.at);
}

/** Where the content of the nth field stands. */
async function shapeStarts(cursor: Cursor, index: number) {
  for (let i = 0; ; i++) {
    const [field] = (await shapeOf(cursor, cursor.size, 1)) ?? [];
    if (field === undefined) return null;
    if (i === index) return { at: cursor.at - field.length, length: field.length };
  }
}

async function isMetaGraph(fields: readonly Field[]): Promise<boolean> {
  const graph = fields.some(({ number }) => number === 2);
  return graph && fields.every(({ number, wire }) => number <= 7 && wire === 2);
}

async function isMetaInfo(
  fields: readonly Field[],
  cursor: Cursor,
  start: number,
): Promise<boolean> {
  const plain = fields.every(
    ({ number, wire }) => number <= 8 && (wire === 2 || (number === 7 && wire === 0)),
  );
  return (
    plain &&
    fields.some(({ number }) => number === 5 || number === 4 || number === 2) &&
    !(await isNode(fields, cursor, start))
  );
}

/** Nodes first, then functions and versions. */
async function isGraphDef(
  fields: readonly Field[],
  cursor: Cursor,
  start: number,
): Promise<boolean> {
  const plain = fields.every(({ number, wire }) => number <= 5 && (wire === 2 || number === 3));
  const inner = new Cursor(cursor.source, start);
  return plain && fields[0]?.number === 1 && (await holds(inner, fields, 1, isNode));
}

/** An object of Keras: where it stands, what it is, its configuration as JSON. */
async function isLayer(fields: readonly Field[]): Promise<boolean> {
  const wires: Readonly<Record<number, number>> = { 2: 0, 3: 2, 4: 2, 5: 2, 6: 2 };
  const has = (number: number): boolean => fields.some((field) => field.number === number);
  return fields.every(({ number, wire }) => wires[number] === wire) && has(4) && has(5);
}

/** A node has a name and an operator, which is a plain word. */
async function isNode(fields: readonly Field[], cursor: Cursor, start: number): Promise<boolean> {
  const fits = fields.every(({ number, wire }) => number >= 1 && number <= 7 && wire === 2);
  const second = fields.findIndex(({ number }) => number === 2);
  if (!fits || second < 0 || fields[0]?.number !== 1) return false;
  const at = await shapeStarts(new Cursor(cursor.source, start), second);
  if (at === null || at.length === 0 || at.length > 128) return false;
  const name = new TextDecoder().decode(await cursor.source.read(at.at, at.length));
  return /^[A-Z_][A-Za-z0-9_>]*$/.test(name);
}
