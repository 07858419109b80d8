/** What each opcode does to the abstract machine; the order and the faults are CPython's. */
import { latin1 } from '../bytes.ts';
import type { Instruction } from './decode.ts';
import type { Listener } from './listener.ts';
import { Fault, type Store } from './state.ts';
import {
  atoms,
  type Blob,
  type Call,
  type CallKind,
  type Container,
  type Global,
  integer,
  type Text,
  textOf,
  type Value,
} from './value.ts';

/** The machine as the handlers see it. */
export interface Machine {
  readonly store: Store;
  readonly listener: Listener;
  protocol: number;
}

/** The effect of one opcode. */
export type Handler = (machine: Machine, instruction: Instruction) => void;

// Malformed text never stops the machine: reading on finds more than CPython would run, not less.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const textBytesMax = 4096;

/** Handlers by opcode; STOP is the machine's own. */
export const handlers: readonly (Handler | undefined)[] = (() => {
  const table: (Handler | undefined)[] = Array.from({ length: 256 });
  for (const group of [constants(), containers(), memo(), objects()]) {
    for (const [letters, handler] of group) {
      for (const letter of letters) table[letter.charCodeAt(0)] = handler;
    }
  }
  return table;
})();

type Row = readonly [string, Handler];

function constants(): Row[] {
  return [
    ['N', (m) => m.store.push(atoms.none)],
    ['\x88', (m) => m.store.push(atoms.true)],
    ['\x89', (m) => m.store.push(atoms.false)],
    ['JKM', (m, i) => m.store.push(integer(i.number))],
    ['G', (m) => m.store.push(atoms.float)],
    ['F', (m) => m.store.push(atoms.float)],
    ['I', pushInt],
    ['L', (m) => m.store.push(atoms.long)],
    ['\x8a\x8b', (m, i) => m.store.push(longOf(i))],
    ['S', pushQuoted],
    ['TU', (m, i) => literal(m, textFrom(i, latin1))],
    ['V', (m, i) => literal(m, unescaped(i))],
    ['X\x8c\x8d', (m, i) => literal(m, textFrom(i, utf8))],
    ['BC\x8e\x96', (m, i) => literal(m, blobFrom(i))],
    ['\x97', (m) => m.store.push(atoms.buffer)],
    ['\x98', (m) => void m.store.top()],
    ['\x80', (m, i) => setProtocol(m, i)],
    ['\x95', () => undefined],
  ];
}

function containers(): Row[] {
  const marked =
    (kind: Container['kind']): Handler =>
    (m) =>
      m.store.push(m.store.collect(kind, m.store.popMark()));
  const counted =
    (count: number): Handler =>
    (m) => {
      const third = count > 2 ? [m.store.pop()] : [];
      const second = count > 1 ? [m.store.pop()] : [];
      m.store.push(m.store.collect('tuple', [m.store.pop(), ...second, ...third]));
    };
  const empty =
    (kind: Container['kind']): Handler =>
    (m) =>
      m.store.push({ kind, items: [], more: false });
  return [
    ['(', (m) => m.store.mark()],
    ['0', (m) => m.store.drop()],
    ['1', (m) => void m.store.popMark()],
    ['2', (m) => m.store.push(m.store.top())],
    [']', empty('list')],
    ['}', empty('dict')],
    [')', empty('tuple')],
    ['\x8f', empty('set')],
    ['l', marked('list')],
    ['t', marked('tuple')],
    ['d', marked('dict')],
    ['\x91', marked('frozenset')],
    ['\x85', counted(1)],
    ['\x86', counted(2)],
    ['\x87', counted(3)],
    ['a', (m, i) => storeItems(m, i, 'list', [m.store.pop()])],
    ['e', (m, i) => storeItems(m, i, 'list', m.store.popMark())],
    ['\x90', (m, i) => storeItems(m, i, 'set', m.store.popMark())],
    ['s', (m, i) => storeItems(m, i, 'dict', [m.store.pop(), m.store.pop()].reverse())],
    ['u', (m, i) => storeItems(m, i, 'dict', m.store.popMark())],
  ];
}

function memo(): Row[] {
  return [
    ['p', (m, i) => m.store.put(decimal(i), m.store.top())],
    ['qr', (m, i) => m.store.put(i.number, m.store.top())],
    ['\x94', (m) => m.store.memoize()],
    ['g', (m, i) => m.store.push(m.store.get(decimal(i)))],
    ['hj', (m, i) => m.store.push(m.store.get(i.number))],
  ];
}

function objects(): Row[] {
  return [
    ['c', (m, i) => m.store.push(imported(m, utf8(i.literal), utf8(i.second), i))],
    ['\x93', stackGlobal],
    ['R', (m, i) => call(m, i, 'reduce', { args: m.store.pop() })],
    ['\x81', (m, i) => call(m, i, 'newobj', { args: m.store.pop() })],
    ['\x92', newObjectWithNames],
    ['i', instance],
    ['o', object],
    ['b', build],
    ['P', (m, i) => persistent(m, i, textFrom(i, latin1))],
    ['Q', (m, i) => persistent(m, i, m.store.pop())],
    ['\x82\x83\x84', extension],
  ];
}

function setProtocol(machine: Machine, instruction: Instruction): void {
  machine.protocol = Math.max(machine.protocol, instruction.number);
}

function literal(machine: Machine, value: Text | Blob): void {
  machine.listener.literal(value);
  machine.store.push(value);
}

function pushInt(machine: Machine, instruction: Instruction): void {
  const text = latin1(instruction.literal).trim();
  if (text === '00') machine.store.push(atoms.false);
  else if (text === '01') machine.store.push(atoms.true);
  else machine.store.push(text === '' ? atoms.long : integer(Number(text)));
}

function longOf(instruction: Instruction): Value {
  const { literal: bytes } = instruction;
  if (instruction.literalLength > 6) return atoms.long;
  let value = 0;
  for (const [i, byte] of bytes.entries()) value += byte * 2 ** (8 * i);
  const negative = (bytes.at(-1) ?? 0) >= 128;
  return integer(negative ? value - 2 ** (8 * bytes.length) : value);
}

function pushQuoted(machine: Machine, instruction: Instruction): void {
  const text = latin1(instruction.literal).trim();
  const [quote] = text;
  const long = instruction.literalLength > instruction.literal.length;
  const quoted = text.length >= 2 && (quote === '"' || quote === "'") && text.endsWith(quote);
  if (!quoted && !(long && (quote === '"' || quote === "'"))) throw new Fault('unquoted string');
  const inner = pythonUnescape(text.slice(1, long ? undefined : -1));
  literal(machine, {
    kind: 'text',
    text: long ? null : inner,
    offset: instruction.literalOffset,
    length: instruction.literalLength,
  });
}

function textFrom(instruction: Instruction, by: (bytes: Uint8Array) => string): Text {
  const { literal: bytes, literalOffset: offset, literalLength: length } = instruction;
  if (instruction.text !== null) return { kind: 'text', text: instruction.text, offset, length };
  const whole = bytes.length === length && length <= textBytesMax;
  return { kind: 'text', text: whole ? by(bytes) : null, offset, length };
}

function unescaped(instruction: Instruction): Text {
  const text = textFrom(instruction, latin1);
  const plain = text.text?.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, four, eight) =>
    fromCodePoint(Number.parseInt(four ?? eight, 16)),
  );
  return { ...text, text: plain ?? null };
}

function blobFrom(instruction: Instruction): Blob {
  const { literal: head, literalOffset: offset, literalLength: length } = instruction;
  return { kind: 'bytes', head, offset, length };
}

function decimal(instruction: Instruction): number {
  const text = latin1(instruction.literal).trim().replaceAll('_', '');
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new Fault('malformed number');
  return Number(text);
}

function utf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function imported(machine: Machine, module: string, name: string, i: Instruction): Global {
  const global: Global = { kind: 'global', module, name, offset: i.offset };
  machine.listener.imported(global);
  return global;
}

function stackGlobal(machine: Machine, instruction: Instruction): void {
  const { store, listener } = machine;
  const name = store.pop();
  const module = store.pop();
  const moduleText = textOf(module);
  const nameText = textOf(name);
  if (moduleText !== null && nameText !== null) {
    store.push(imported(machine, moduleText, nameText, instruction));
    return;
  }
  // CPython refuses anything but two texts; what was called or looked up may still be one.
  if ([module, name].some(neverText)) throw new Fault('STACK_GLOBAL needs two texts');
  listener.computedName(module, name, instruction.offset);
  store.push({ kind: 'unknown', why: 'computed import' });
}

function neverText(value: Value): boolean {
  const { kind } = value;
  return kind === 'atom' || kind === 'integer' || kind === 'bytes' || 'items' in value;
}

function call(
  machine: Machine,
  instruction: Instruction,
  how: CallKind,
  given: { readonly args: Value; readonly callee?: Value },
): void {
  const callee = given.callee ?? machine.store.pop();
  const { offset } = instruction;
  const result: Call = { kind: 'call', callee, args: given.args, how, offset, state: null };
  machine.listener.called(result);
  machine.store.push(result);
}

function newObjectWithNames(machine: Machine, instruction: Instruction): void {
  const names = machine.store.pop();
  const args = machine.store.pop();
  const both: Container = {
    kind: 'tuple',
    items: [...('items' in args ? args.items : [args]), names],
    more: 'items' in args ? args.more : true,
  };
  call(machine, instruction, 'newobj', { args: both });
}

function instance(machine: Machine, instruction: Instruction): void {
  const args = machine.store.collect('tuple', machine.store.popMark());
  const module = utf8(instruction.literal);
  const callee = imported(machine, module, utf8(instruction.second), instruction);
  call(machine, instruction, 'inst', { args, callee });
}

function object(machine: Machine, instruction: Instruction): void {
  const [callee, ...rest] = machine.store.popMark();
  if (callee === undefined) throw new Fault('stack underflow');
  call(machine, instruction, 'obj', { args: machine.store.collect('tuple', rest), callee });
}

function build(machine: Machine, instruction: Instruction): void {
  const state = machine.store.pop();
  const target = machine.store.top();
  machine.listener.built(target, state, instruction.offset);
  if (target.kind === 'call') target.state = state;
}

function persistent(machine: Machine, instruction: Instruction, id: Value): void {
  machine.listener.persistent(id, instruction.offset);
  // Old PyTorch files name classes this way, with their source text for comparison.
  const [tag, named] = id.kind === 'tuple' ? id.items : [];
  const isClass = textOf(tag) === 'module' && named?.kind === 'global';
  machine.store.push(isClass ? named : { kind: 'persistent', id });
}

function extension(machine: Machine, instruction: Instruction): void {
  const { number: code, offset } = instruction;
  if (code <= 0) throw new Fault('extension code must be positive');
  machine.listener.extension(code, offset);
  machine.store.push({ kind: 'unknown', why: `extension ${code}` });
}

function storeItems(
  machine: Machine,
  instruction: Instruction,
  kind: 'list' | 'dict' | 'set',
  values: readonly Value[],
): void {
  const target = machine.store.top();
  if (target.kind === kind) machine.store.extend(target, values);
  else machine.listener.stored(target, values, instruction.offset);
}

function pythonUnescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|[\\'"abfnrtv])/g, (_, code: string) => {
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255);
    const simple: Record<string, string> = {
      a: '\x07',
      b: '\b',
      f: '\f',
      n: '\n',
      r: '\r',
      t: '\t',
      v: '\v',
    };
    return simple[code] ?? code;
  });
}

function fromCodePoint(point: number): string {
  return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
}
