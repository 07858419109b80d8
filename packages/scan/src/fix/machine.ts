/**
 * Reads one pickle into plain values (CPython, Lib/pickle.py; PyTorch, torch/_utils.py and
 * torch/serialization.py; NumPy, numpy/_core/multiarray.py): opcodes move values about, calls of
 * a short list of names make tensors, every other call makes an opaque object.
 */
import { latin1 } from '../bytes.ts';
import type { Cursor } from '../cursor.ts';
import { Decoder, type Instruction } from '../pickle/decode.ts';
import { brokenFile, FixError } from './error.ts';
import { as, type Dict, type Opaque, type Plain, type Sequence, sequence } from './plain.ts';
import { built, called, persistent } from './rebuild.ts';

/** Values that a file of weights may hold. */
const valuesMax = 5_000_000;

/** The value of the pickle at the cursor, which then stands behind it. Throws `FixError`. */
export async function readPickle(cursor: Cursor): Promise<Plain> {
  const decoder = new Decoder(cursor);
  const machine = new Machine();
  for (let count = 0; ; count++) {
    if (count > 4 * valuesMax) throw tooMany();
    const broken = await decoder.next();
    if (broken !== null) throw brokenFile(`its pickle breaks at byte ${cursor.at}: ${broken}`);
    const { instruction } = decoder;
    if (instruction.opcode.name === 'STOP') return machine.pop();
    const operation = operations[instruction.opcode.name];
    if (operation === undefined) {
      const { opcode, offset } = instruction;
      const message = `"${opcode.name}" at byte ${offset} is not in weights`;
      throw new FixError('refused', message, { hint: 'save the state dictionary alone' });
    }
    operation(machine, instruction);
  }
}

class Machine {
  readonly #stack: Plain[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, Plain>();

  push(value: Plain): void {
    if (this.#stack.length >= valuesMax) throw tooMany();
    this.#stack.push(value);
  }

  pop(): Plain {
    const value = this.#stack.pop();
    if (value === undefined || this.#stack.length < (this.#marks.at(-1) ?? 0)) {
      throw brokenFile('its pickle takes more than it put');
    }
    return value;
  }

  top(): Plain {
    const value = this.pop();
    this.push(value);
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  popMark(): Plain[] {
    const from = this.#marks.pop();
    if (from === undefined) throw brokenFile('its pickle has no mark where it needs one');
    return this.#stack.splice(from);
  }

  put(index: number): void {
    if (this.#memo.size >= valuesMax) throw tooMany();
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw brokenFile('its pickle recalls what it never kept');
    this.push(value);
  }
}

type Operation = (machine: Machine, instruction: Instruction) => void;

const operations: Readonly<Record<string, Operation>> = {
  ...constants(),
  ...containers(),
  ...objects(),
};

function constants(): Record<string, Operation> {
  const number: Operation = (m, i) => m.push(i.number);
  // What a float is plays no part in tensors.
  const float: Operation = (m) => m.push(Number.NaN);
  const text: Operation = (m, i) => m.push(i.text ?? latin1(i.literal));
  const span: Operation = (m, i) => {
    m.push({ kind: 'span', offset: i.literalOffset, length: i.literalLength, latin1: false });
  };
  const unicode: Operation = (m, i) => {
    if (i.text !== null) m.push(i.text);
    else m.push({ kind: 'span', offset: i.literalOffset, length: i.literalLength, latin1: true });
  };
  return {
    ...{ NONE: (m) => m.push(null), NEWTRUE: (m) => m.push(true), NEWFALSE: (m) => m.push(false) },
    ...{ BININT: number, BININT1: number, BININT2: number, FLOAT: float, BINFLOAT: float },
    ...{ LONG1: (m, i) => m.push(littleEndian(i)), LONG4: (m, i) => m.push(littleEndian(i)) },
    ...{ INT: (m, i) => m.push(decimal(i)), LONG: (m, i) => m.push(decimal(i)) },
    ...{ STRING: (m, i) => m.push(latin1(i.literal).trim().slice(1, -1)) },
    ...{ BINSTRING: text, SHORT_BINSTRING: text, UNICODE: text },
    ...{ BINUNICODE: unicode, SHORT_BINUNICODE: unicode, BINUNICODE8: unicode },
    ...{ BINBYTES: span, SHORT_BINBYTES: span, BINBYTES8: span, BYTEARRAY8: span },
    ...{ PROTO: () => undefined, FRAME: () => undefined },
  };
}

function containers(): Record<string, Operation> {
  const marked: Operation = (m) => m.push(sequence(m.popMark()));
  const empty: Operation = (m) => m.push(sequence([]));
  const counted =
    (count: number): Operation =>
    (m) =>
      m.push(sequence(Array.from({ length: count }, () => m.pop()).reverse()));
  const setAll = (m: Machine, values: Plain[]): void => {
    const dict = as(m.top(), 'dict');
    for (let i = 0; dict !== null && i + 1 < values.length; i += 2) {
      dict.entries.push([values[i] ?? null, values[i + 1] ?? null]);
    }
  };
  const dictOf = (values: Plain[]): Dict => {
    const entries: [Plain, Plain][] = [];
    for (let i = 0; i + 1 < values.length; i += 2) {
      entries.push([values[i] ?? null, values[i + 1] ?? null]);
    }
    return { kind: 'dict', entries };
  };
  const addAll = (m: Machine, values: Plain[]): void => {
    as(m.top(), 'sequence')?.items.push(...values);
  };
  return {
    MARK: (m) => m.mark(),
    POP: (m) => void m.pop(),
    POP_MARK: (m) => void m.popMark(),
    DUP: (m) => m.push(m.top()),
    ...{ EMPTY_LIST: empty, EMPTY_TUPLE: empty, EMPTY_SET: empty },
    ...{ LIST: marked, TUPLE: marked, FROZENSET: marked },
    ...{ TUPLE1: counted(1), TUPLE2: counted(2), TUPLE3: counted(3) },
    EMPTY_DICT: (m) => m.push({ kind: 'dict', entries: [] }),
    DICT: (m) => m.push(dictOf(m.popMark())),
    APPEND: (m) => addAll(m, [m.pop()]),
    APPENDS: (m) => addAll(m, m.popMark()),
    ADDITEMS: (m) => addAll(m, m.popMark()),
    SETITEM: (m) => setAll(m, [m.pop(), m.pop()].reverse()),
    SETITEMS: (m) => setAll(m, m.popMark()),
    ...{ PUT: (m, i) => m.put(decimal(i)), BINPUT: (m, i) => m.put(i.number) },
    ...{ LONG_BINPUT: (m, i) => m.put(i.number), MEMOIZE: (m) => m.memoize() },
    ...{ GET: (m, i) => m.get(decimal(i)), BINGET: (m, i) => m.get(i.number) },
    LONG_BINGET: (m, i) => m.get(i.number),
  };
}

function objects(): Record<string, Operation> {
  const call = (m: Machine, callee: Plain, args: Sequence, offset: number): void => {
    const name = as(callee, 'name')?.name ?? '';
    m.push(called(name, args.items) ?? opaque(name, offset));
  };
  const reduce: Operation = (m, { offset }) => {
    const args = as(m.pop(), 'sequence') ?? sequence([]);
    call(m, m.pop(), args, offset);
  };
  return {
    GLOBAL: (m, i) => m.push({ kind: 'name', name: `${utf8(i.literal)}.${utf8(i.second)}` }),
    STACK_GLOBAL: (m) => {
      const [name, module] = [m.pop(), m.pop()];
      m.push({ kind: 'name', name: `${shown(module)}.${shown(name)}` });
    },
    ...{ REDUCE: reduce, NEWOBJ: reduce },
    NEWOBJ_EX: (m, i) => {
      m.pop();
      reduce(m, i);
    },
    OBJ: (m, { offset }) => {
      const [callee = null, ...args] = m.popMark();
      call(m, callee, sequence(args), offset);
    },
    INST: (m, i) => {
      const args = sequence(m.popMark());
      call(m, { kind: 'name', name: `${utf8(i.literal)}.${utf8(i.second)}` }, args, i.offset);
    },
    BUILD: (m) => {
      const state = m.pop();
      const target = m.pop();
      const made = built(target, state);
      const object = as(target, 'opaque');
      if (made === null && object !== null) object.state = state;
      m.push(made ?? target);
    },
    BINPERSID: (m, { offset }) => {
      m.push(persistent(m.pop()) ?? opaque('an object outside the file', offset));
    },
  };
}

function opaque(name: string, offset: number): Opaque {
  return { kind: 'opaque', name: name === '' ? 'a computed name' : name, offset, state: null };
}

function shown(value: Plain): string {
  return typeof value === 'string' ? value : '?';
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function decimal(instruction: Instruction): number {
  return Number.parseInt(latin1(instruction.literal), 10);
}

function littleEndian({ literal }: Instruction): number {
  let value = 0;
  for (const [i, byte] of literal.entries()) value += byte * 2 ** (8 * i);
  return (literal.at(-1) ?? 0) >= 128 ? value - 2 ** (8 * literal.length) : value;
}

function tooMany(): FixError {
  const message = `expected at most ${valuesMax} values beside the tensors`;
  return new FixError('refused', message, { hint: 'save the state dictionary alone' });
}
