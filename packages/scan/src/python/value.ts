/** What an expression of Python source is, as far as reading without running can tell. */

/** Where a value came from, when that matters. */
export type Taint = 'decoded' | 'network' | 'private' | 'file' | 'outside' | 'argument' | 'hidden';

/** A value; `taints` say what went into it. */
export interface Value {
  readonly kind: 'path' | 'result' | 'text' | 'number' | 'list' | 'unknown';
  /** Dotted name of what was imported; for a result, of what was called. */
  readonly path: string;
  readonly text: string;
  readonly items: readonly Value[];
  readonly taints: ReadonlySet<Taint>;
}

const none: ReadonlySet<Taint> = new Set();
const nothing: Value = { kind: 'unknown', path: '', text: '', items: [], taints: none };
const textMax = 1 << 16;

/** Nothing is known. */
export function unknown(taints: ReadonlySet<Taint> = none): Value {
  return taints.size === 0 ? nothing : { ...nothing, taints };
}

/** `True`, `False` and `None` tell themselves; nothing is reached through them. */
export function constant(name: string): Value {
  return /^(True|False|None)$/.test(name) ? { ...nothing, path: `builtins.${name}` } : nothing;
}

/** An imported name, a built-in, or an attribute of one. */
export function path(name: string): Value {
  return { ...nothing, kind: 'path', path: name };
}

/** What a call of a known name gives back. */
export function result(name: string, taints: ReadonlySet<Taint>): Value {
  return { ...nothing, kind: 'result', path: name, taints };
}

/** A constant text. */
export function text(value: string, taints: ReadonlySet<Taint> = none): Value {
  return { ...nothing, kind: 'text', text: value.slice(0, textMax), taints };
}

/** A constant number. */
export function number(value: number): Value {
  return { ...nothing, kind: 'number', text: String(value) };
}

/** A list or tuple. */
export function list(items: readonly Value[]): Value {
  return { ...nothing, kind: 'list', items, taints: taintsOf(items) };
}

/** All taints of several values. */
export function taintsOf(values: readonly Value[]): ReadonlySet<Taint> {
  const tainted = values.filter((value) => value.taints.size > 0);
  if (tainted.length === 0) return none;
  return new Set(tainted.flatMap((value) => [...value.taints]));
}

/** The texts of a value: itself, or those of its items. */
export function textsOf(value: Value): string[] {
  if (value.kind === 'text') return [value.text];
  return value.kind === 'list' ? value.items.flatMap(textsOf) : [];
}
