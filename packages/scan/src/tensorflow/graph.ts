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
import { operatorFault } from './operators.ts';

/** Kinds of files that hold a graph. */
export type GraphKind = 'saved-model' | 'meta-graph' | 'graph-def';

const schema: Schema = {
  saved: { inner: { 2: 'meta' } },
  meta: { inner: { 2: 'graph', 4: 'collection', 6: 'asset', 7: 'objects' } },
  collection: { inner: { 2: 'collected' }, texts: [1] },
  collected: { inner: { 1: 'nodes', 2: 'blobs' } },
  nodes: { texts: [1] },
  blobs: { texts: [1] },
  asset: { texts: [2] },
  objects: { inner: { 1: 'object', 2: 'concrete' } },
  concrete: {},
  object: { inner: { 4: 'user' } },
  user: { texts: [1, 3] },
  graph: { inner: { 1: 'node', 2: 'library' } },
  library: { inner: { 1: 'function' } },
  function: { inner: { 3: 'node' } },
  node: { inner: { 5: 'attribute' }, texts: [1, 2] },
  attribute: { inner: { 2: 'value' }, texts: [1] },
  value: { inner: { 1: 'list', 8: 'tensor' }, texts: [2] },
  list: { texts: [2] },
  tensor: { texts: [8] },
};
const roots: Readonly<Record<GraphKind, string>> = {
  'saved-model': 'saved',
  'meta-graph': 'meta',
  'graph-def': 'graph',
};
const namesMax = 100_000;

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
    return fields.some(({ number }) => number === 2) ? 'meta-graph' : null;
  }
  const isGraph = fits(' 1:2 2:2 3:0 4:2 5:2 ') && first.number === 1;
  return isGraph && (await holds(later, fields, 1, isNode)) ? 'graph-def' : null;
}

/** Audits the graph. */
export async function scanGraph(place: Place, kind: GraphKind): Promise<void> {
  const cursor = new Cursor(place.source);
  const told = new Set<string>();
  try {
    await walkMessages(cursor, schema, roots[kind], (message) => leave(place, message, told));
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  place.audit.dataBytes.count += place.source.size;
}

function leave(place: Place, message: Message, told: Set<string>): void {
  switch (message.name) {
    case 'node':
      leaveNode(place, message, told);
      return;
    case 'tensor':
    case 'value':
    case 'list':
      for (const text of [...(message.texts.get(8) ?? []), ...(message.texts.get(2) ?? [])]) {
        leaveText(place, text, message.offset);
      }
      return;
    case 'user':
      for (const text of message.texts.get(3) ?? []) leaveMetadata(place, text);
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

function leaveNode(place: Place, message: Message, told: Set<string>): void {
  const [operator = ''] = message.texts.get(2) ?? [];
  const fault = operatorFault(operator);
  if (fault === null || told.size > namesMax) return;
  const [node = ''] = message.texts.get(1) ?? [];
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
    fields.some(({ number }) => number === 5 || number === 2) &&
    !(await isNode(fields, cursor, start))
  );
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
