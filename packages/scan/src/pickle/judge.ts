/**
 * Judges one import, call or change of state by the policy. Where a harmless function can be
 * turned by its arguments, the arguments are judged as well.
 */
import { type Classification, classify, isClassName, type Policy } from '../policy/classify.ts';
import { effectWords } from '../policy/document.ts';
import type { RuleId } from '../rules.ts';
import { pattern } from '../text/pattern.ts';
import { type Call, type Container, fullName, type Global, textOf, type Value } from './value.ts';

/** How a name is used, from the least to the most. */
export type Usage = 'referenced' | 'instantiated' | 'called';

/** A reason to tell something; `null` severity is the rule's own. */
export interface Judgement {
  readonly rule: RuleId;
  readonly severity?: 'note' | 'low' | 'medium' | 'high' | 'critical';
  readonly why: string;
  /** The library, when an object of a known one is restored. */
  readonly library?: string;
}

const encodings = new Set(['latin1', 'latin-1', 'iso-8859-1', 'utf-8', 'utf8', 'ascii', 'utf_8']);
const sizeMax = 2 ** 30;
/** Classes of Python and NumPy whose names begin with a small letter. */
const lowerClasses = pattern('judge.lowerClasses');
const enumNames = pattern('judge.enumNames');
const restorerNames =
  /^_*(unpickle|reconstruct|rebuild|restore|recreate|setstate|make_instance|from_state)\w*$/;
/** What Python, pickle or copy look up by themselves, so that setting it is calling it later. */
const loudDunders = pattern('judge.loudDunders');

/** What the policy says of a name in one use; null when nothing is to be told. */
export function judgeName(global: Global, usage: Usage, policy: Policy): Judgement | null {
  const found = classify(global.module, global.name, policy);
  switch (found.kind) {
    case 'allowed':
      return judgeAllowed(found, usage);
    case 'library':
      return judgeLibrary(global, found, usage);
    case 'dangerous':
      return {
        rule: usage === 'called' ? 'MRL-PKL-001' : 'MRL-PKL-003',
        why: effectWords[found.effect],
      };
    default:
      return usage === 'called'
        ? { rule: 'MRL-PKL-002', why: 'not on the allow list' }
        : { rule: 'MRL-PKL-004', why: 'not on the allow list' };
  }
}

/** What is to be told of a call beyond its callee's name. */
export function judgeCall(call: Call, policy: Policy): Judgement[] {
  const { callee } = call;
  if (callee.kind !== 'global') {
    if (isAllowedMethod(callee, policy)) return [];
    return [{ rule: 'MRL-PKL-002', why: 'the function is itself computed' }];
  }
  const found = classify(callee.module, callee.name, policy);
  if (found.kind === 'allowed') return judgeArguments(found.use, callee, call.args, policy);
  if (found.kind === 'library' && isTypedRestorer(callee.name)) {
    return judgeArguments('typed', callee, call.args, policy);
  }
  return [];
}

/** A method that the policy lets be called, reached by `getattr(Class, 'method')`. */
function isAllowedMethod(callee: Value, policy: Policy): boolean {
  if (callee.kind !== 'call' || calleeName(callee) !== 'builtins.getattr') return false;
  const [target, name] = callee.args.kind === 'tuple' ? callee.args.items : [];
  const method = textOf(name);
  return target?.kind === 'global' && policy.methods.has(`${fullName(target)} ${method}`);
}

/** How a call uses its callee's name. */
export function usageOf(call: Call, policy: Policy): Usage {
  const { callee } = call;
  if (callee.kind !== 'global') return call.how === 'newobj' ? 'instantiated' : 'called';
  const name = callee.name.slice(callee.name.lastIndexOf('.') + 1);
  if (call.how === 'newobj') {
    // No pickler instantiates what is not a class.
    return /^_*[a-z]/.test(name) && !lowerClasses.test(name) ? 'called' : 'instantiated';
  }
  const isRestoring = isMember(name, call) || isRestorer(name, call);
  if (!isRestoring) return 'called';
  const { kind } = classify(callee.module, callee.name, policy);
  return kind === 'library' ? 'instantiated' : 'called';
}

/** Members of enumerations are stored as their class and one plain value. */
function isMember(name: string, call: Call): boolean {
  const [value, ...more] = call.args.kind === 'tuple' ? call.args.items : [];
  if (value === undefined || more.length > 0 || !isClassName(name)) return false;
  const text = textOf(value);
  const plain = value.kind === 'integer' || (text !== null && /^[\w-]{1,40}$/.test(text));
  return plain && enumNames.test(name);
}

/** Functions that libraries keep for unpickling, where nothing they get names or holds code. */
function isRestorer(name: string, call: Call): boolean {
  if (!restorerNames.test(name) || call.args.kind !== 'tuple' || call.args.more) return false;
  return call.args.items.every((item) => item.kind !== 'text' && item.kind !== 'bytes');
}

/** What is to be told of state given to an object. */
export function judgeState(target: Value, state: Value): Judgement[] {
  if (target.kind === 'global') {
    return [{ rule: 'MRL-PKL-005', severity: 'critical', why: 'changes an imported name' }];
  }
  if (target.kind === 'call' && calleeName(target) === 'builtins.getattr') {
    return [{ rule: 'MRL-PKL-005', why: 'changes an attribute of an object' }];
  }
  const parts = state.kind === 'tuple' ? state.items : [state];
  const keys = parts.flatMap((part) => (part.kind === 'dict' ? keysOf(part) : []));
  const dunder = keys.find((key) => loudDunders.test(key));
  return dunder === undefined
    ? []
    : [{ rule: 'MRL-PKL-005', why: `sets ${dunder}, which Python calls by itself` }];
}

/** What is to be told of items given to something that is no plain container. */
export function judgeStored(target: Value): Judgement[] {
  return target.kind === 'global'
    ? [{ rule: 'MRL-PKL-005', severity: 'critical', why: 'changes an imported object' }]
    : [];
}

function judgeAllowed(found: Classification & { kind: 'allowed' }, usage: Usage): Judgement | null {
  const restoreOnly = found.use === 'constant' || found.use === 'restore';
  if (usage === 'called' && restoreOnly) {
    return { rule: 'MRL-PKL-002', why: 'may be referred to, not called' };
  }
  return null;
}

function judgeLibrary(
  global: Global,
  found: Classification & { kind: 'library' },
  usage: Usage,
): Judgement | null {
  const { library } = found;
  const unpickle = isTypedRestorer(global.name);
  if (usage === 'called' && !found.callable && !unpickle) {
    return { rule: 'MRL-PKL-002', why: `a function of ${library} that restoring does not need` };
  }
  return { rule: 'MRL-PKL-010', why: `object of ${library}`, library };
}

/** Functions of compiled classes that get the class first, as Cython writes them. */
function isTypedRestorer(name: string): boolean {
  return name.startsWith('__pyx_unpickle_') || name === 'newObj';
}

function judgeArguments(use: string, callee: Global, args: Value, policy: Policy): Judgement[] {
  const given = args.kind === 'tuple' ? args : null;
  const first = given?.items[0];
  switch (use) {
    case 'typed':
      return judgeTyped(callee, given, policy);
    case 'callable':
      return judgeCallable(callee, first, policy);
    case 'getattr':
      return judgeGetattr(first, given?.items[1], policy);
    case 'encode':
      return judgeEncode(given);
    case 'typeOf':
      // With one argument it only asks; with three it makes a class.
      return given?.items.length === 1 && !given.more
        ? []
        : [{ rule: 'MRL-PKL-002', why: 'makes a class' }];
    case 'sized':
      return first?.kind === 'integer' && first.value > sizeMax
        ? [{ rule: 'MRL-PKL-013', why: 'asks for more than a gigabyte' }]
        : [];
    case 'ufunc':
      return judgeUfunc(given, policy);
    case 'typeRebuild':
      return [
        ...judgeOperand(callee, first, 'called', policy),
        ...judgeOperand(callee, given?.items[1], 'instantiated', policy),
      ];
    case 'nested':
      return first?.kind === 'bytes' ? [] : [odd(callee, 'bytes')];
    default:
      return [];
  }
}

/** The first argument is a class, whose `__new__` is called; a base's `__init__` may be as well. */
function judgeTyped(callee: Global, args: Container | null, policy: Policy): Judgement[] {
  const judged = judgeOperand(callee, args?.items[0], 'instantiated', policy);
  if (callee.name !== '_reconstructor') return judged;
  return [...judged, ...judgeOperand(callee, args?.items[1], 'called', policy)];
}

function judgeOperand(
  callee: Global,
  value: Value | undefined,
  usage: Usage,
  policy: Policy,
): Judgement[] {
  if (value?.kind !== 'global') return [odd(callee, 'an imported class or function')];
  const judged = judgeName(value, usage, policy);
  if (judged === null) return [];
  return [{ ...judged, why: `${fullName(value)} through ${fullName(callee)}: ${judged.why}` }];
}

/** `map` and `filter` run when a container is made of them; the others only keep the function. */
function judgeCallable(callee: Global, value: Value | undefined, policy: Policy): Judgement[] {
  if (value === undefined) return [];
  const runs = callee.name === 'map' || callee.name === 'filter';
  if (value.kind === 'global') {
    return judgeOperand(callee, value, runs ? 'called' : 'referenced', policy);
  }
  if (value.kind === 'atom' && value.what === 'none') return [];
  if (runs) return [{ rule: 'MRL-PKL-002', why: `${callee.name} over a computed function` }];
  return value.kind === 'call' ? [] : [odd(callee, 'a function')];
}

/** Bound methods and members of enumerations are stored as `getattr(object, 'name')`. */
function judgeGetattr(
  target: Value | undefined,
  name: Value | undefined,
  policy: Policy,
): Judgement[] {
  const text = textOf(name);
  const plain = text !== null && /^_?[A-Za-z]\w*$/.test(text);
  const sound =
    target?.kind === 'global'
      ? isClassName(target.name) || (text ?? '').startsWith('_')
      : target?.kind === 'call' && calleeName(target) !== 'builtins.getattr';
  const harmless = target?.kind !== 'global' || isHarmless(target, policy);
  if (plain && sound && harmless) return [];
  return [{ rule: 'MRL-PKL-001', why: 'reaches for the inside of Python' }];
}

function isHarmless(global: Global, policy: Policy): boolean {
  const { kind } = classify(global.module, global.name, policy);
  return kind === 'allowed' || kind === 'library';
}

function judgeEncode(args: Container | null): Judgement[] {
  const encoding = args?.items[1];
  const text = textOf(encoding);
  const plain = encoding === undefined || (text !== null && encodings.has(text.toLowerCase()));
  if (args !== null && plain) return [];
  return [{ rule: 'MRL-PKL-014', why: 'encodes with a codec that hides or unpacks bytes' }];
}

function judgeUfunc(args: Container | null, policy: Policy): Judgement[] {
  const module = textOf(args?.items[0]);
  const name = textOf(args?.items[1]);
  if (module === null || name === null) {
    return [{ rule: 'MRL-PKL-012', why: 'imports what it computed' }];
  }
  const judged = judgeName({ kind: 'global', module, name, offset: 0 }, 'referenced', policy);
  return judged === null ? [] : [{ ...judged, why: `${module}.${name}: ${judged.why}` }];
}

function odd(callee: Global, expected: string): Judgement {
  return { rule: 'MRL-PKL-014', why: `${fullName(callee)} expected ${expected}` };
}

function calleeName(call: Call): string | null {
  const { callee } = call;
  if (callee.kind !== 'global') return null;
  return callee.module === '__builtin__' ? `builtins.${callee.name}` : fullName(callee);
}

function keysOf(dict: Container): string[] {
  return dict.items.flatMap((item, i) => (i % 2 === 0 ? (textOf(item) ?? []) : []));
}
