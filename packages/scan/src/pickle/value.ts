/**
 * Values of the abstract pickle machine: enough to know what would be imported and called with
 * what, never the objects themselves. Containers keep a bounded number of items; long literals
 * are spans of the source.
 */

/** A constant whose content does not matter. */
export interface Atom {
  readonly kind: 'atom';
  readonly what: 'none' | 'true' | 'false' | 'float' | 'long' | 'buffer';
}

/** A whole number that fits 53 bits. */
export interface Integer {
  readonly kind: 'integer';
  readonly value: number;
}

/** A text; `text` is null when it is too long to keep. */
export interface Text {
  readonly kind: 'text';
  readonly text: string | null;
  readonly offset: number;
  readonly length: number;
}

/** Bytes, as a span of the source; `head` is their beginning. */
export interface Blob {
  readonly kind: 'bytes';
  readonly head: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** A container with its first items; for a `dict`, keys and values alternate. */
export interface Container {
  readonly kind: 'tuple' | 'list' | 'dict' | 'set' | 'frozenset';
  readonly items: Value[];
  /** True when items were left out. */
  more: boolean;
}

/** An imported name. */
export interface Global {
  readonly kind: 'global';
  readonly module: string;
  readonly name: string;
  readonly offset: number;
}

/** The result of a call, or an instance made without one. */
export interface Call {
  readonly kind: 'call';
  readonly callee: Value;
  readonly args: Value;
  readonly how: CallKind;
  readonly offset: number;
  /** What a BUILD gave to it, the last time. */
  state: Value | null;
}

/** An object outside the file. */
export interface Persistent {
  readonly kind: 'persistent';
  readonly id: Value;
}

/** Something that nobody can know before loading. */
export interface Unknown {
  readonly kind: 'unknown';
  readonly why: string;
}

/** How a callable is used: called, or its class instantiated by `__new__`. */
export type CallKind = 'reduce' | 'inst' | 'obj' | 'newobj';

/** Any value. */
export type Value = Atom | Integer | Text | Blob | Container | Global | Call | Persistent | Unknown;

/** Items that a container keeps. */
export const itemsMax = 64;

/** Constants are shared, so that a million of them cost nothing. */
export const atoms = {
  none: { kind: 'atom', what: 'none' },
  true: { kind: 'atom', what: 'true' },
  false: { kind: 'atom', what: 'false' },
  float: { kind: 'atom', what: 'float' },
  long: { kind: 'atom', what: 'long' },
  buffer: { kind: 'atom', what: 'buffer' },
} as const satisfies Record<string, Atom>;

const smallIntegers: readonly Integer[] = Array.from({ length: 257 }, (_, value) => ({
  kind: 'integer',
  value,
}));

/** A whole number; small ones are shared. */
export function integer(value: number): Value {
  if (!Number.isSafeInteger(value)) return atoms.long;
  return smallIntegers[value] ?? { kind: 'integer', value };
}

/** A container of the first items. */
export function container(kind: Container['kind'], items: readonly Value[]): Container {
  return { kind, items: items.slice(0, itemsMax), more: items.length > itemsMax };
}

/** The text of a value, or null. */
export function textOf(value: Value | undefined): string | null {
  return value?.kind === 'text' ? value.text : null;
}

/** The whole name of an import. */
export function fullName(global: Global): string {
  return `${global.module}.${global.name}`;
}

/** A short picture of a value for evidence; bounded whatever the value. */
export function picture(value: Value, depth = 3): string {
  switch (value.kind) {
    case 'atom':
      return value.what;
    case 'integer':
      return String(value.value);
    case 'text':
      return value.text === null
        ? `<text of ${value.length} bytes>`
        : JSON.stringify(value.text.slice(0, 100));
    case 'bytes':
      return `<${value.length} bytes>`;
    case 'global':
      return fullName(value).slice(0, 100);
    case 'call':
      return depth <= 0 ? '…' : `${picture(value.callee, depth - 1)}${argumentsOf(value, depth)}`;
    case 'persistent':
      return `<outside ${depth <= 0 ? '…' : picture(value.id, depth - 1)}>`;
    case 'unknown':
      return `<${value.why}>`;
    default:
      return bracket(value, depth);
  }
}

function argumentsOf(call: Call, depth: number): string {
  const shown = picture(call.args, depth - 1);
  return shown.startsWith('(') ? shown : `(${shown})`;
}

function bracket(value: Container, depth: number): string {
  const [open, close] = { tuple: '()', list: '[]', dict: '{}', set: '{}', frozenset: '{}' }[
    value.kind
  ];
  if (value.items.length === 0) return `${open}${close}`;
  if (depth <= 0) return `${open}…${close}`;
  const shown = value.items.slice(0, 4).map((item) => picture(item, depth - 1));
  const rest = value.items.length > 4 || value.more ? ', …' : '';
  return `${open}${shown.join(', ')}${rest}${close}`;
}
