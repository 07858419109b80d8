/**
 * The policy as data: `policy.json` is what Merlon ships, a file of the same form extends or
 * replaces it. A name counts only as it stands there; a dotted name inherits nothing.
 *
 * Uses: `inert` may be called with anything; `class` may also be instantiated; `constant` may only
 * be referred to; `typed` gets a class first, which is judged; `callable` gets a function first,
 * which is judged; `restore` may be instantiated and given state, but not called. The others are
 * argument rules of `pickle/arguments.ts`.
 */
import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { ScanError } from '../error.ts';
import shipped from './policy.json' with { type: 'json' };

/** How an allowed name may be used. */
export type Use =
  | 'inert'
  | 'class'
  | 'constant'
  | 'typed'
  | 'callable'
  | 'restore'
  | 'getattr'
  | 'encode'
  | 'nested'
  | 'typeOf'
  | 'sized'
  | 'ufunc'
  | 'typeRebuild';

/** What a dangerous name does. */
export type Effect =
  | 'exec'
  | 'import'
  | 'introspect'
  | 'load'
  | 'file'
  | 'net'
  | 'process'
  | 'native';

/** Effects in words. */
export const effectWords: Readonly<Record<Effect, string>> = {
  exec: 'runs code',
  import: 'imports code',
  introspect: 'reaches for the inside of Python',
  load: 'loads another untrusted object',
  file: 'reads or writes files',
  net: 'talks to the network',
  process: 'starts or stops processes',
  native: 'calls native code',
};

const uses: ReadonlySet<string> = new Set([
  'inert',
  'class',
  'constant',
  'typed',
  'callable',
  'restore',
  'getattr',
  'encode',
  'nested',
  'typeOf',
  'sized',
  'ufunc',
  'typeRebuild',
]);

/** Names by module and by what they may do, or what they do. */
export type Names<Kind extends string> = Readonly<
  Record<string, Readonly<Partial<Record<Kind, readonly string[]>>>>
>;

/** A policy as it stands in a file. */
export interface PolicyDocument {
  /** Changes whenever a verdict may. */
  readonly version: string;
  /** What loading weights needs: all that the profile `strict` lets through. */
  readonly weights: Names<Use>;
  /** What ordinary models of the common libraries need besides. */
  readonly ordinary: Names<Use>;
  /** Functions of number libraries that models refer to. */
  readonly functions: Readonly<Record<string, readonly string[]>>;
  /** Modules of compiled classes whose constructors only allocate. */
  readonly constructors: readonly string[];
  /** Libraries whose classes may be restored; nothing of theirs may be called. */
  readonly libraries: readonly string[];
  /** Methods that pickles call on classes, reached by `getattr`. */
  readonly methods: Readonly<Record<string, readonly string[]>>;
  /** Names that libraries lend from elsewhere and that must not be had through them. */
  readonly lent: readonly string[];
  /**
   * Names known to be dangerous; `*` stands for every name of a module and below it. The lists
   * above alone let something through; this one only says how bad a name is, so that a gap in it
   * hides nothing.
   */
  readonly dangerous: Names<Effect>;
}

/** The policy that Merlon ships. */
export const shippedPolicy: PolicyDocument = shipped as unknown as PolicyDocument;

/**
 * A policy from the JSON of a file: what it says is added to the shipped one, unless it has
 * `"extends": false`. Throws `bad-policy` with every fault at once.
 */
export function policyFromJson(value: Json): PolicyDocument {
  const faults: string[] = [];
  if (!isJsonObject(value)) throw new ScanError('bad-policy', 'expected an object, got no object');
  const known = new Set(['extends', 'about', ...Object.keys(shipped)]);
  for (const key of Object.keys(value)) if (!known.has(key)) faults.push(`"${key}" is no part`);
  if (typeof value.version !== 'string') faults.push('"version" expected a text');
  const base = value.extends === false ? empty : shippedPolicy;
  const document: PolicyDocument = {
    version: `${value.version}`,
    weights: merged(base.weights, value, 'weights', faults),
    ordinary: merged(base.ordinary, value, 'ordinary', faults),
    functions: mergedLists(base.functions, value.functions, 'functions', faults),
    constructors: [...base.constructors, ...list(value.constructors, 'constructors', faults)],
    libraries: [...base.libraries, ...list(value.libraries, 'libraries', faults)],
    methods: mergedLists(base.methods, value.methods, 'methods', faults),
    lent: [...base.lent, ...list(value.lent, 'lent', faults)],
    dangerous: merged(base.dangerous, value, 'dangerous', faults),
  };
  if (faults.length > 0) throw new ScanError('bad-policy', faults.join('; '));
  return document;
}

const empty: PolicyDocument = {
  version: '',
  weights: {},
  ordinary: {},
  functions: {},
  constructors: [],
  libraries: [],
  methods: {},
  lent: [],
  dangerous: {},
};

function merged<Kind extends string>(
  base: Names<Kind>,
  value: JsonObject,
  part: string,
  faults: string[],
): Names<Kind> {
  const out: Record<string, Partial<Record<Kind, readonly string[]>>> = { ...base };
  const given = value[part];
  if (given === undefined) return out;
  if (!isJsonObject(given)) {
    faults.push(`"${part}" expected an object`);
    return out;
  }
  const kinds: ReadonlySet<string> =
    part === 'dangerous' ? new Set(Object.keys(effectWords)) : uses;
  for (const [module, row] of Object.entries(given)) {
    if (!isJsonObject(row)) faults.push(`"${part}.${module}" expected an object`);
    else {
      const unknown = Object.keys(row).find((kind) => !kinds.has(kind));
      if (unknown !== undefined) faults.push(`"${part}.${module}.${unknown}" is no known kind`);
      const lists = mergedLists(out[module] ?? {}, row, `${part}.${module}`, faults);
      out[module] = lists as Partial<Record<Kind, readonly string[]>>;
    }
  }
  return out;
}

function mergedLists(
  base: Readonly<Record<string, readonly string[] | undefined>>,
  given: Json | undefined,
  where: string,
  faults: string[],
): Record<string, readonly string[]> {
  const out: Record<string, readonly string[]> = {};
  for (const [key, names] of Object.entries(base)) out[key] = names ?? [];
  if (given === undefined) return out;
  if (!isJsonObject(given)) faults.push(`"${where}" expected an object`);
  else {
    for (const [key, names] of Object.entries(given)) {
      out[key] = [...(out[key] ?? []), ...list(names, `${where}.${key}`, faults)];
    }
  }
  return out;
}

function list(value: Json | undefined, where: string, faults: string[]): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  faults.push(`"${where}" expected a list of texts`);
  return [];
}
