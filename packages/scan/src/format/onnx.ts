/**
 * Audits ONNX models (onnx.proto3, IR version 10): every graph, subgraph and function is walked by
 * its fields, weights are passed over by their length.
 */
import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { scanDescription } from '../text/configuration.ts';
import { embeddedBlob } from '../text/embedded.ts';
import { isOutside } from '../text/path.ts';
import { MalformedMessage, nextField, textField } from '../wire/protobuf.ts';
import { Demands } from './onnx-demands.ts';

type MessageName =
  | 'model'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparse'
  | 'function'
  | 'training'
  | 'opset'
  | 'property'
  | 'entry';

/** Fields that hold further messages. */
const inner: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  model: { 7: 'graph', 8: 'opset', 14: 'property', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  tensor: { 13: 'entry' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 9: 'opset', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  opset: {},
  property: {},
  entry: {},
};
/** Fields that are texts and matter. */
const texts: Readonly<Record<MessageName, readonly number[]>> = {
  model: [],
  graph: [],
  node: [1, 2, 4, 7],
  attribute: [1, 4],
  tensor: [8],
  sparse: [],
  function: [1, 10],
  training: [],
  opset: [1],
  property: [1, 2],
  entry: [1, 2],
};
/** Fields of whole numbers that may stand packed: sizes, and what shapes are made of. */
const packed: Readonly<Partial<Record<MessageName, readonly number[]>>> = {
  attribute: [8],
  tensor: [1, 7],
};
/** Bytes of an item by the type of a tensor (TensorProto.DataType). */
const itemBits: Readonly<Record<number, number>> = {
  1: 32,
  2: 8,
  3: 8,
  4: 16,
  5: 16,
  6: 32,
  7: 64,
  9: 8,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
};
/** Fields of a model that the format knows, up to IR version 13. */
const modelFields = new Set([1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]);

const standardDomains = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'ai.onnx.training']);
/** Operators that ONNX Runtime brings with it. */
const runtimeDomains = new Set([
  'com.microsoft',
  'com.microsoft.nchwc',
  'ai.onnx.preview.training',
]);
const depthMax = 64;
const fieldsMax = 50_000_000;
const numbersMax = 16;
const strayBytesMin = 16;
const nativeLibrary = /\.(so(\.\d+)*|dll|dylib)$/i;

/** A message that was read, with what matters of it. */
interface Read {
  readonly name: MessageName;
  readonly texts: Map<number, string[]>;
  readonly numbers: Map<number, number[]>;
  /** Messages inside it that say something about it. */
  readonly inside: Read[];
  readonly offset: number;
}

interface Walk {
  readonly place: Place;
  readonly cursor: Cursor;
  readonly domains: Set<string>;
  /** Domains that functions of the model define itself. */
  readonly ownDomains: Set<string>;
  readonly locations: Set<string>;
  readonly demands: Demands;
  /** Operators of the function that is read, by `domain::name`. */
  calls: Map<string, number>;
  fields: number;
}

/** True when the bytes are an ONNX model by their structure. */
export async function probeOnnx(cursor: Cursor): Promise<boolean> {
  let version = 0;
  let graph = false;
  const wires: Readonly<Record<number, number>> = {
    1: 0,
    5: 0,
    2: 2,
    3: 2,
    4: 2,
    6: 2,
    7: 2,
    8: 2,
  };
  for (let count = 0; count < 10_000; count++) {
    try {
      const field = await nextField(cursor, cursor.size);
      if (field === null) return version > 0 && graph;
      const wire = wires[field.number] ?? (field.number <= 30 ? 2 : -1);
      // What follows a whole model is for the audit to tell.
      if (field.wire !== wire) return version > 0 && graph && field.number > 30;
      if (field.number === 1) version = field.value > 0 && field.value < 100 ? field.value : 0;
      if (field.number === 7) graph = true;
      if (field.wire === 2) cursor.skip(field.length);
    } catch (thrown) {
      if (!(thrown instanceof MalformedMessage)) throw thrown;
      // A model that was cut still begins as one.
      return version > 0 && cursor.at > 8 && (graph || thrown.message.startsWith('field longer'));
    }
  }
  return version > 0 && graph;
}

/** Audits the model. */
export async function scanOnnx(place: Place): Promise<void> {
  const cursor = new Cursor(place.source);
  const walk: Walk = {
    place,
    cursor,
    domains: new Set(),
    ownDomains: new Set(),
    locations: new Set(),
    demands: new Demands(),
    calls: new Map(),
    fields: 0,
  };
  try {
    await walkMessage(walk, 'model', cursor.size, 0);
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    const evidence = `${thrown.message} at byte ${cursor.at}`;
    // Readers that follow it by recursion run out of stack.
    const severity = thrown.message === tooDeep ? 'high' : 'medium';
    tell(place, 'MRL-ONX-005', { evidence, severity, offset: cursor.at });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  for (const demand of walk.demands.finish().slice(0, 20)) tell(place, 'MRL-ONX-006', demand);
  for (const domain of walk.domains) {
    if (standardDomains.has(domain) || walk.ownDomains.has(domain)) continue;
    const severity = runtimeDomains.has(domain) ? ('note' as const) : ('medium' as const);
    tell(place, 'MRL-ONX-003', { evidence: domain, severity });
  }
}

async function walkMessage(
  walk: Walk,
  name: MessageName,
  end: number,
  depth: number,
): Promise<Read> {
  if (depth > depthMax) throw new MalformedMessage(tooDeep);
  const { cursor } = walk;
  const offset = cursor.at;
  const read: Read = { name, texts: new Map(), numbers: new Map(), inside: [], offset };
  if (name === 'function') walk.calls = new Map();
  for (;;) {
    const field = await nextField(cursor, end);
    if (field === null) break;
    if (++walk.fields > fieldsMax) throw new MalformedMessage('too many fields');
    if (field.wire !== 2) {
      add(read.numbers, field.number, field.value);
      continue;
    }
    const next = inner[name][field.number];
    const from = cursor.at;
    if (next !== undefined) {
      const found = await walkMessage(walk, next, from + field.length, depth + 1);
      if (keeps.has(name)) read.inside.push(found);
    } else if (texts[name].includes(field.number)) {
      add(read.texts, field.number, await textField(cursor, field.length));
    } else if (packed[name]?.includes(field.number) === true) {
      for (const each of await packedNumbers(cursor, field.length)) {
        add(read.numbers, field.number, each);
      }
    } else if (name === 'tensor' && field.number === 9 && field.length <= 8 * numbersMax) {
      await cursor.need(field.length);
      if (read.numbers.get(2)?.[0] === int64) {
        for (let i = 0; i < field.length / 8; i++) add(read.numbers, 7, cursor.u64());
      }
    } else if (name === 'model') tellStray(walk, field.number, field.length);
    cursor.seek(from + field.length);
  }
  leave(walk, read);
  return read;
}

/** Messages whose parts are looked at together. */
const keeps: ReadonlySet<MessageName> = new Set(['node', 'attribute', 'tensor']);
const int64 = 7;
const tooDeep = 'nested too deeply';

function add<T>(map: Map<number, T[]>, number: number, value: T): void {
  const list = map.get(number);
  if (list === undefined) map.set(number, [value]);
  else if (list.length < numbersMax) list.push(value);
}

/** Varints one behind the other, as many as are kept. */
async function packedNumbers(cursor: Cursor, length: number): Promise<number[]> {
  const end = cursor.at + length;
  const found: number[] = [];
  while (cursor.at < end && found.length < numbersMax) {
    await cursor.need(10);
    let value = 0;
    for (let scale = 1; cursor.ready > 0; scale *= 128) {
      const byte = cursor.u8();
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    found.push(value);
  }
  return found;
}

function leave(walk: Walk, read: Read): void {
  const textOf = (number: number): string => read.texts.get(number)?.[0] ?? '';
  switch (read.name) {
    case 'node':
      leaveNode(walk, read, textOf(4), textOf(7));
      break;
    case 'opset':
      walk.domains.add(textOf(1));
      break;
    case 'function':
      walk.ownDomains.add(textOf(10));
      walk.demands.define(`${textOf(10)}::${textOf(1)}`, walk.calls, read.offset);
      break;
    case 'property':
      leaveProperty(walk, textOf(1), textOf(2));
      break;
    case 'tensor':
      if (read.inside.length > 0) tellExternal(walk, read);
      if (read.numbers.get(2)?.[0] === int64) {
        walk.demands.constant(textOf(8), read.numbers.get(7) ?? []);
      }
      break;
    default:
  }
  if (walk.domains.size > 1000) throw new MalformedMessage('too many domains');
}

function leaveNode(walk: Walk, read: Read, operator: string, domain: string): void {
  walk.domains.add(domain);
  const key = `${domain}::${operator}`;
  walk.calls.set(key, (walk.calls.get(key) ?? 0) + 1);
  const offset = walk.cursor.at;
  const inputs = read.texts.get(1) ?? [];
  walk.demands.node({ operator, inputs, offset });
  if (operator === 'Constant') {
    for (const { inside, numbers } of read.inside) {
      const values = numbers.get(8) ?? inside[0]?.numbers.get(7) ?? [];
      walk.demands.constant(read.texts.get(2)?.[0] ?? '', values);
    }
  }
  if (operator === 'EPContext') tell(walk.place, 'MRL-ONX-004', { evidence: operator, offset });
  for (const attribute of read.inside) {
    const value = attribute.texts.get(4)?.[0] ?? '';
    const name = attribute.texts.get(1)?.[0] ?? '';
    if (name === 'shape' && /^Random/.test(operator)) {
      walk.demands.shape(operator, attribute.numbers.get(8) ?? [], offset);
    }
    const evidence = `${operator}.${name} = ${value}`;
    if (nativeLibrary.test(value)) tell(walk.place, 'MRL-CUS-002', { evidence, offset });
    else if (operator === 'EPContext' && value.length < 4096 && isOutside(value)) {
      tell(walk.place, 'MRL-ONX-001', { evidence, offset });
    }
  }
  if (/^(PyOp|PythonOp|PyFunc|ATen)$/.test(operator)) {
    tell(walk.place, 'MRL-ONX-003', { evidence: key, severity: 'high', offset });
  }
}

function leaveProperty(walk: Walk, key: string, value: string): void {
  const pointer = `metadata_props/${key}`;
  scanDescription(walk.place, key, value, pointer);
  const blob = embeddedBlob(value);
  if (blob !== null) tell(walk.place, 'MRL-CFG-002', { ...blob, pointer });
}

/** Bytes that no reader of the format takes, and so nobody looks at. */
function tellStray(walk: Walk, number: number, length: number): void {
  if (modelFields.has(number) || length < strayBytesMin) return;
  const evidence = `${length} bytes in field ${number}`;
  tell(walk.place, 'MRL-FIL-005', { evidence, offset: walk.cursor.at, length });
}

/** Where the numbers of a tensor stand outside of the model, and whether that fits its shape. */
function tellExternal(walk: Walk, tensor: Read): void {
  const entries = new Map(
    tensor.inside.map(({ texts: each }) => [each.get(1)?.[0] ?? '', each.get(2)?.[0] ?? '']),
  );
  const location = entries.get('location');
  if (location !== undefined) tellLocation(walk, location);
  const offset = walk.cursor.at;
  for (const key of ['offset', 'length']) {
    const value = entries.get(key) ?? '';
    if (!/^(-\d+|\d{16,})$/.test(value)) continue;
    const evidence = `external data with ${key} ${value}`;
    tell(walk.place, 'MRL-ONX-005', { evidence, severity: 'high', offset });
    return;
  }
  const said = entries.get('length') ?? '';
  const bits = itemBits[tensor.numbers.get(2)?.[0] ?? 0];
  const shape = tensor.numbers.get(1) ?? [];
  if (said === '' || bits === undefined || shape.length >= numbersMax) return;
  const bytes = (shape.reduce((product, each) => product * each, 1) * bits) / 8;
  if (bytes === Number(said)) return;
  const evidence = `external data of ${said} bytes for a tensor of ${bytes}`;
  tell(walk.place, 'MRL-ONX-005', { evidence, offset });
}

function tellLocation(walk: Walk, location: string): void {
  if (walk.locations.has(location) || walk.locations.size > 1000) return;
  walk.locations.add(location);
  const outside = isOutside(location);
  tell(walk.place, outside ? 'MRL-ONX-001' : 'MRL-ONX-002', {
    evidence: location,
    ...(outside ? { cve: ['CVE-2022-25882', 'CVE-2024-27318', 'CVE-2024-5187'] } : {}),
  });
}
