/**
 * Small streams that cost whoever uses them time or memory without bound: containers that hold the
 * same container more than once, level upon level, so that hashing, comparing or printing them
 * never ends; nesting deeper than any stack; ranges that are written out.
 */
import { type Call, type Container, fullName, type Value } from './value.ts';

/** What is asked for, in words. */
export interface Bomb {
  readonly evidence: string;
}

/** Items after all that is shared is written out. */
const growthMax = 2 ** 24;
/** Picklers stop at about five hundred levels, unless they are told to go on. */
const levelsMax = 20_000;
const visitsMax = 2_000_000;
/** Numbers of a range that somebody writes out: two gigabytes as a list. */
const rangeMax = 2 ** 28;
const writesOut = new RegExp(
  [
    String.raw`^(builtins\.(list|tuple|set|frozenset|dict|sorted|sum|bytes|bytearray`,
    '|max|min|any|all)',
    String.raw`|collections\.(deque|Counter|OrderedDict)|array\.array|numpy\..*)$`,
  ].join(''),
);

/** What the value of a stream costs, or null. */
export function bombIn(root: Value): Bomb | null {
  const order = inOrder(root);
  const growth = new Map<Value, number>();
  const levels = new Map<Value, number>();
  for (const value of order) {
    let deepest = 0;
    const times = new Map<Value, number>();
    for (const child of childrenOf(value)) {
      deepest = Math.max(deepest, levels.get(child) ?? 0);
      if (repeats(value)) times.set(child, (times.get(child) ?? 0) + 1);
    }
    let worst = 1;
    for (const [child, count] of times) {
      worst = Math.max(worst, count * (growth.get(child) ?? 1));
    }
    growth.set(value, worst);
    levels.set(value, deepest + 1);
    if (worst > growthMax) return { evidence: `containers that unfold to ${worst} items` };
    if (deepest > levelsMax) return { evidence: `more than ${levelsMax} levels of containers` };
  }
  return null;
}

/** A call that writes out a range of numbers without end, or null. */
export function rangeBomb(call: Call): Bomb | null {
  const { callee, args } = call;
  if (callee.kind !== 'global' || args.kind !== 'tuple') return null;
  if (!writesOut.test(nameOf(callee))) return null;
  for (const arg of args.items) {
    if (arg.kind !== 'call' || arg.callee.kind !== 'global' || arg.args.kind !== 'tuple') continue;
    const made = nameOf(arg.callee);
    const numbers = arg.args.items;
    const isRange = made === 'builtins.range' && numbers.slice(0, 2).some(isHuge);
    const isRepeat =
      made === 'itertools.repeat' && (numbers.length < 2 || numbers.slice(1).some(isHuge));
    if (isRange || isRepeat || made === 'itertools.count' || made === 'itertools.cycle') {
      return { evidence: `${nameOf(callee)} of ${made} without end` };
    }
  }
  return null;
}

function isHuge(value: Value): boolean {
  if (value.kind === 'integer') return value.value > rangeMax;
  return value.kind === 'atom' && value.what === 'long';
}

function nameOf(global: Parameters<typeof fullName>[0]): string {
  return fullName(global)
    .replace(/^__builtin__\./, 'builtins.')
    .replace(/\.xrange$/, '.range');
}

/** Values before what holds them; what holds itself is taken as it is met. */
function inOrder(root: Value): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  const open: { readonly value: Value; readonly left: boolean }[] = [{ value: root, left: false }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, left } = next;
    if (left) order.push(value);
    else if (holds(value) && !seen.has(value) && seen.size < visitsMax) {
      seen.add(value);
      open.push({ value, left: true });
      for (const child of childrenOf(value)) {
        if (holds(child) && !seen.has(child)) open.push({ value: child, left: false });
      }
    }
  }
  return order;
}

function holds(value: Value): boolean {
  return value.kind === 'call' || 'items' in value;
}

/** Lists of the same thing again and again; a table may share what it likes. */
function repeats(value: Value): value is Container {
  return 'items' in value && value.kind !== 'dict';
}

function childrenOf(value: Value): readonly Value[] {
  if ('items' in value) return value.items;
  if (value.kind !== 'call') return [];
  return value.state === null ? [value.args] : [value.args, value.state];
}
