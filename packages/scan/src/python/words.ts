/** Words of Python, and what becomes of values under attributes and operators. */
import { pattern } from '../text/pattern.ts';
import { taintOfPath } from './fold.ts';
import { list, path, taintsOf, text, unknown, type Value } from './value.ts';

/** Built-in functions that lead somewhere. */
export const builtins: ReadonlySet<string> = new Set(
  [
    'eval exec compile open input getattr setattr delattr globals locals vars dir chr ord bytes',
    'bytearray str memoryview map filter print __import__ breakpoint execfile __builtins__',
  ]
    .join(' ')
    .split(' '),
);
/** Words that are no names. */
export const keywords: ReadonlySet<string> = new Set(
  [
    'False None True and as assert async await break class continue def del elif else except',
    'finally for from global if import in is lambda nonlocal not or pass raise return try while',
    'with yield',
  ]
    .join(' ')
    .split(' '),
);
/** Parameters that hold what strangers send. */
export const outside =
  /^(data|requests?|body|payload|message|event|query|command|cmd|code|expression|expr|prompt)$/;
/** Attributes that lead to the inside of Python. */
export const insideNames = pattern('reader.insideNames');

/** An attribute of a value. */
export function reached(value: Value, name: string): Value {
  if (name === '__builtins__') return path('builtins');
  const isModule = value.path === 'builtins.__dict__' || value.path === 'builtins.globals()';
  const base = value.kind === 'result' ? `${value.path}()` : value.path;
  const whole = isModule ? `builtins.${name}` : `${base}.${name}`;
  const taint = taintOfPath(whole);
  const reach = path(whole.replace(/\.__dict__\./, '.'));
  if (taint === null && value.taints.size === 0) return reach;
  return { ...reach, taints: new Set([...value.taints, ...(taint === null ? [] : [taint])]) };
}

/** Two values under an operator. */
export function combined(sign: string, left: Value, right: Value): Value {
  const taints = taintsOf([left, right]);
  if (sign === '+' && left.kind === 'text' && right.kind === 'text') {
    return text(left.text + right.text, taints);
  }
  if (sign === '+' && left.kind === 'list' && right.kind === 'list') {
    return list([...left.items, ...right.items]);
  }
  if (sign === '%' && left.kind === 'text') {
    const given = right.kind === 'list' ? right.items : [right];
    let next = 0;
    return text(
      left.text.replace(/%[sdrc]/g, () => given[next++]?.text ?? ''),
      taints,
    );
  }
  // A literal beside something unknown still tells what a command is about.
  if (sign === '+' && (left.kind === 'text' || right.kind === 'text')) {
    return { ...unknown(taints), text: left.text + right.text };
  }
  return unknown(taints);
}
