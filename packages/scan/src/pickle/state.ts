/**
 * The store of the abstract pickle machine: stack with marks, and memo. Both are bounded: beyond
 * the budget the memo only keeps what could become an import or a call, and from time to time all
 * that is still in reach is counted.
 */
import {
  atoms,
  type Container,
  container,
  itemsMax,
  type Text,
  type Unknown,
  type Value,
} from './value.ts';

/** Values on the stack; CPython would need eight bytes for each as well. */
export const stackMax = 4_000_000;
/** Entries of the memo. */
export const memoMax = 8_000_000;

/** Entries of the memo out of order. */
const sparseMax = 500_000;
/** Retained bytes for each unit (of about 64 bytes) that may be in reach on the way. */
const bytesPerLiveUnit = 8;
const leanTextBytesMax = 100;
const leanTextsMax = 100_000;
const leanObjectsMax = 1_000_000;
const leanItemsMax = 16;
/** What a module or a name in it can look like; nothing else becomes an import. */
const nameLike = /^[A-Za-z_][\w.]*$/;

const opaqueText: Text = { kind: 'text', text: null, offset: 0, length: 0 };
const leanContainers: Readonly<Record<Container['kind'], Container>> = {
  tuple: { kind: 'tuple', items: [], more: true },
  list: { kind: 'list', items: [], more: true },
  dict: { kind: 'dict', items: [], more: true },
  set: { kind: 'set', items: [], more: true },
  frozenset: { kind: 'frozenset', items: [], more: true },
};
const forgotten: Unknown = { kind: 'unknown', why: 'too many objects' };

/** What CPython would raise at this point. */
export class Fault extends Error {}

/** Stack, marks and memo. */
export class Store {
  readonly #stack: Value[] = [];
  readonly #marks: number[] = [];
  readonly #memo: (Value | undefined)[] = [];
  readonly #sparse = new Map<number, Value>();
  readonly #leanTexts = new Map<string, Text>();
  readonly #lenient: boolean;
  readonly #retainedBytesMax: number;
  #memoCount = 0;
  #retained = 0;
  #leanObjects = 0;
  #created = 0;
  #nextCheck: number;
  readonly #liveUnitsMax: number;
  /** The highest index that was put, to notice memo bombs. */
  highestIndex = -1;

  constructor(options: { readonly retainedBytesMax: number; readonly lenient: boolean }) {
    this.#retainedBytesMax = options.retainedBytesMax;
    this.#lenient = options.lenient;
    this.#liveUnitsMax = options.retainedBytesMax / bytesPerLiveUnit;
    this.#nextCheck = this.#liveUnitsMax / 2;
  }

  /** Number of values above the bottom. */
  get depth(): number {
    return this.#stack.length;
  }

  /** True when the budget is spent and only the necessary is kept. */
  get lean(): boolean {
    return this.#retained > this.#retainedBytesMax;
  }

  push(value: Value): void {
    if (this.#stack.length >= stackMax) throw new Fault('stack too deep');
    this.#stack.push(value);
    this.#created += unitsOf(value);
    if (this.#created > this.#nextCheck) this.#checkLive();
  }

  pop(): Value {
    const value = this.#stack.length > this.#fence ? this.#stack.pop() : undefined;
    if (value !== undefined) return value;
    return this.#missing('stack underflow');
  }

  /** POP: removes the top value, or the mark that stands there. */
  drop(): void {
    if (this.#marks.length > 0 && this.#fence === this.#stack.length) this.#marks.pop();
    else this.pop();
  }

  top(): Value {
    const value = this.#stack.length > this.#fence ? this.#stack.at(-1) : undefined;
    return value ?? this.#missing('stack underflow');
  }

  mark(): void {
    if (this.#marks.length >= stackMax) throw new Fault('stack too deep');
    this.#marks.push(this.#stack.length);
  }

  /** The values above the last mark, which goes with them. */
  popMark(): Value[] {
    const from = this.#marks.pop();
    if (from !== undefined) return this.#stack.splice(from);
    this.#missing('no mark');
    return this.#stack.splice(0);
  }

  put(index: number, value: Value): void {
    if (index < 0) throw new Fault('negative memo index');
    this.highestIndex = Math.max(this.highestIndex, index);
    if (this.#memoCount >= memoMax) throw new Fault('memo too large');
    const kept = this.lean ? this.#leanForm(value) : value;
    this.#retained += weightOf(kept);
    if (index <= this.#memo.length) {
      if (this.#memo[index] === undefined && !this.#sparse.has(index)) this.#memoCount++;
      this.#memo[index] = kept;
    } else {
      if (!this.#sparse.has(index)) this.#memoCount++;
      if (this.#sparse.size >= sparseMax) throw new Fault('memo too large');
      this.#sparse.set(index, kept);
    }
  }

  /** MEMOIZE: the index is the number of entries. */
  memoize(): void {
    this.put(this.#memoCount, this.top());
  }

  get(index: number): Value {
    return this.#memo[index] ?? this.#sparse.get(index) ?? this.#missing('memo entry missing');
  }

  /** A container of the values, with as many items as the budget allows. */
  collect(kind: Container['kind'], values: readonly Value[]): Container {
    if (!this.lean) return container(kind, values);
    const items = values.slice(0, leanItemsMax);
    return { kind, items, more: items.length < values.length };
  }

  /** Adds to a container what the budget allows. */
  extend(target: Container, values: readonly Value[]): void {
    const most = this.lean ? leanItemsMax : itemsMax;
    for (const value of values) {
      if (target.items.length >= most) {
        target.more = true;
        return;
      }
      target.items.push(value);
      this.#retained += 16;
    }
  }

  get #fence(): number {
    return this.#marks.at(-1) ?? 0;
  }

  /** Counts all that is in reach; the cost is spread over what was made since the last time. */
  #checkLive(): void {
    const seen = new Set<Value>();
    const open: Value[] = [];
    const visit = (value: Value | null | undefined): void => {
      if (value === null || value === undefined || value.kind === 'atom' || seen.has(value)) return;
      seen.add(value);
      open.push(value);
    };
    let units = 0;
    const drain = (): void => {
      for (let next = open.pop(); next !== undefined; next = open.pop()) {
        units += unitsOf(next);
        if (units > this.#liveUnitsMax) throw new Fault('needs too much memory');
        visitInside(next, visit);
      }
    };
    for (const group of [this.#stack, this.#memo, this.#sparse.values()]) {
      for (const root of group) {
        visit(root);
        drain();
      }
    }
    const roots = this.#stack.length + this.#memoCount;
    this.#nextCheck = this.#created + Math.max(this.#liveUnitsMax / 2, units, 2 * roots);
  }

  #missing(why: string): Value {
    if (this.#lenient) return { kind: 'unknown', why };
    throw new Fault(why);
  }

  #leanForm(value: Value): Value {
    switch (value.kind) {
      case 'text':
        return this.#leanText(value);
      case 'bytes':
        return atoms.buffer;
      case 'tuple':
      case 'list':
      case 'dict':
      case 'set':
      case 'frozenset':
        return leanContainers[value.kind];
      case 'global':
      case 'call':
      case 'persistent':
        return this.#leanObjects++ < leanObjectsMax ? value : forgotten;
      default:
        return value;
    }
  }

  #leanText(value: Text): Text {
    const { text } = value;
    if (text === null || text.length > leanTextBytesMax || !nameLike.test(text)) return opaqueText;
    const known = this.#leanTexts.get(text);
    if (known !== undefined) return known;
    if (this.#leanTexts.size >= leanTextsMax) return opaqueText;
    this.#leanTexts.set(text, value);
    return value;
  }
}

function visitInside(value: Value, visit: (inside: Value | null) => void): void {
  if ('items' in value) for (const item of value.items) visit(item);
  else if (value.kind === 'call') {
    visit(value.callee);
    visit(value.args);
    visit(value.state);
  } else if (value.kind === 'persistent') visit(value.id);
}

function unitsOf(value: Value): number {
  switch (value.kind) {
    case 'atom':
      return 0;
    case 'text':
      return 1 + (value.text?.length ?? 0) / 64;
    case 'bytes':
      return 2 + value.head.length / 64;
    case 'integer':
    case 'unknown':
    case 'persistent':
      return 1;
    case 'global':
    case 'call':
      return 2;
    default:
      return 2 + value.items.length / 8;
  }
}

function weightOf(value: Value): number {
  if (value.kind === 'text') return 64 + (value.text?.length ?? 0);
  if (value.kind === 'bytes') return 128 + value.head.length;
  if (value.kind === 'atom') return 8;
  return 'items' in value ? 96 + 8 * value.items.length : 96;
}
