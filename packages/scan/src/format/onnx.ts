/**
 * Audits ONNX models (onnx.proto3, IR version 10): every graph, subgraph and function is walked by
 * its fields, weights are passed over by their length.
 */
import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { MalformedMessage, nextField, textField } from '../wire/protobuf.ts';

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
  | 'entry';

/** Fields that hold further messages. */
const inner: Readonly<Record<MessageName, Readonly<Record<number, MessageName>>>> = {
  model: { 7: 'graph', 8: 'opset', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  tensor: { 13: 'entry' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 9: 'opset', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  opset: {},
  entry: {},
};

const standardDomains = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'ai.onnx.training']);
/** Operators that ONNX Runtime brings with it. */
const runtimeDomains = new Set([
  'com.microsoft',
  'com.microsoft.nchwc',
  'ai.onnx.preview.training',
]);
const depthMax = 64;
const fieldsMax = 50_000_000;

interface Walk {
  readonly place: Place;
  readonly cursor: Cursor;
  readonly domains: Set<string>;
  /** Domains that functions of the model define itself. */
  readonly ownDomains: Set<string>;
  readonly locations: Set<string>;
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
      if (field.wire !== wire) return false;
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
    fields: 0,
  };
  try {
    await walkMessage(walk, 'model', cursor.size, 0);
  } catch (thrown) {
    if (!(thrown instanceof MalformedMessage)) throw thrown;
    const evidence = `${thrown.message} at byte ${cursor.at}`;
    tell(place, 'MRL-ONX-005', { evidence, offset: cursor.at });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
  for (const domain of walk.domains) {
    if (standardDomains.has(domain) || walk.ownDomains.has(domain)) continue;
    const severity = runtimeDomains.has(domain) ? ('note' as const) : ('medium' as const);
    tell(place, 'MRL-ONX-003', { evidence: domain, severity });
  }
}

async function walkMessage(walk: Walk, name: MessageName, end: number, depth: number) {
  if (depth > depthMax) throw new MalformedMessage('nested too deeply');
  const { cursor } = walk;
  const entry: { key: string; value: string } = { key: '', value: '' };
  let domain = '';
  let operator = '';
  for (;;) {
    const field = await nextField(cursor, end);
    if (field === null) break;
    if (++walk.fields > fieldsMax) throw new MalformedMessage('too many fields');
    if (field.wire !== 2) continue;
    const next = inner[name][field.number];
    const from = cursor.at;
    if (next !== undefined) await walkMessage(walk, next, from + field.length, depth + 1);
    else if (isText(name, field.number)) {
      const text = await textField(cursor, field.length);
      if (name === 'entry') entry[field.number === 1 ? 'key' : 'value'] = text;
      else if (name === 'node' && field.number === 4) operator = text;
      else domain = text;
    }
    cursor.seek(from + field.length);
  }
  if (name === 'node') tellNode(walk, operator, domain);
  if (name === 'opset' || name === 'node') walk.domains.add(domain);
  if (name === 'function') walk.ownDomains.add(domain);
  if (name === 'entry' && entry.key === 'location') tellLocation(walk, entry.value);
  const isPlace = name === 'entry' && (entry.key === 'offset' || entry.key === 'length');
  if (isPlace && /^(-\d+|\d{16,})$/.test(entry.value)) {
    const evidence = `external data with ${entry.key} ${entry.value}`;
    tell(walk.place, 'MRL-ONX-005', { evidence, severity: 'high', offset: cursor.at });
  }
  if (walk.domains.size > 1000) throw new MalformedMessage('too many domains');
}

function isText(name: MessageName, number: number): boolean {
  switch (name) {
    case 'node':
      return number === 4 || number === 7;
    case 'opset':
      return number === 1;
    case 'function':
      return number === 10;
    case 'entry':
      return number === 1 || number === 2;
    default:
      return false;
  }
}

function tellNode(walk: Walk, operator: string, domain: string): void {
  if (operator === 'EPContext') {
    tell(walk.place, 'MRL-ONX-004', { evidence: 'EPContext', offset: walk.cursor.at });
  }
  const python = /^(PyOp|PythonOp|PyFunc|ATen)$/.test(operator);
  if (python) {
    const evidence = `${domain}::${operator}`;
    tell(walk.place, 'MRL-ONX-003', { evidence, severity: 'high', offset: walk.cursor.at });
  }
}

function tellLocation(walk: Walk, location: string): void {
  if (walk.locations.has(location) || walk.locations.size > 1000) return;
  walk.locations.add(location);
  const outside =
    /^[/\\]|^[A-Za-z]:|^[a-z]+:\/\//.test(location) ||
    location.split(/[/\\]/).includes('..') ||
    location.includes('\0');
  tell(walk.place, outside ? 'MRL-ONX-001' : 'MRL-ONX-002', {
    evidence: location,
    ...(outside ? { cve: ['CVE-2022-25882', 'CVE-2024-27318', 'CVE-2024-5187'] } : {}),
  });
}
