/**
 * What the policy says of a name: the longest matching row decides, the allow list by exact names,
 * the deny list by modules. A dotted name is a path through attributes and inherits nothing.
 */
import type { Profile } from '../audit.ts';
import {
  type AllowRow,
  allowConstructors,
  allowFunctions,
  allowLibraries,
  allowMl,
  allowStrict,
  type Use,
} from './allow.ts';
import { deny, type Effect } from './deny.ts';
import { canonicalName } from './names.ts';

/** Version of the policy data; it changes whenever a verdict may. */
export const policyVersion = '2026.11.1';

/** What the policy says of a name. */
export type Classification =
  | { readonly kind: 'allowed'; readonly use: Use }
  /** A class or function of a known library: may be restored and referred to, not called. */
  | { readonly kind: 'library'; readonly library: string; readonly callable: boolean }
  | { readonly kind: 'dangerous'; readonly effect: Effect }
  | { readonly kind: 'unknown' };

const unknown: Classification = { kind: 'unknown' };
const strict = tableOf([allowStrict]);
const ml = tableOf([allowStrict, allowMl]);
for (const [module, names] of Object.entries(allowFunctions)) {
  for (const name of names.split(' ')) addUse(ml, module, name, 'constant');
}
const denied = deniedOf();
/** Names that libraries lend from elsewhere and that must not be had through them. */
const lentNames = new Set(
  [
    'load loads eval exec execfile system popen Popen import_module open read_pickle urlopen',
    'urlretrieve memmap fromfile call check_call check_output run_path spawn',
  ]
    .join(' ')
    .split(' '),
);
const libraries = new Set(allowLibraries);
const constructors = new Set(allowConstructors);

/** Classifies a name as it stands in a file. */
export function classify(module: string, name: string, profile: Profile): Classification {
  const canonical = canonicalName(module, name);
  const allowed = (profile === 'ml' ? ml : strict).get(`${canonical.module} ${canonical.name}`);
  if (allowed !== undefined) return { kind: 'allowed', use: allowed };
  if (canonical.name.includes('.')) return classifyPath(canonical, profile);
  const danger = dangerOf(canonical.module, canonical.name);
  const library = profile === 'ml' ? libraryOf(canonical.module) : null;
  if (library !== null && (danger === null || danger.depth <= depthOf(library))) {
    if (isPlainName(canonical.name) && !lentNames.has(canonical.name)) {
      const callable = constructors.has(canonical.module) && isClassName(canonical.name);
      return { kind: 'library', library, callable };
    }
  }
  return danger === null ? unknown : { kind: 'dangerous', effect: danger.effect };
}

/** True for names that look like a class: `LogisticRegression`, `_Hidden`. */
export function isClassName(name: string): boolean {
  return /^_?[A-Z]\w*$/.test(name);
}

function classifyPath(
  { module, name }: { readonly module: string; readonly name: string },
  profile: Profile,
): Classification {
  const steps = name.split('.');
  const [first = '', second = ''] = steps;
  const danger = dangerOf(module, first);
  const library = profile === 'ml' ? libraryOf(module) : null;
  const ours = library !== null && (danger === null || danger.depth <= depthOf(library));
  // A method of a class of the library, which is how newer pickles store bound methods.
  const method = steps.length === 2 && (isClassName(first) || /^_[A-Za-z]/.test(second));
  if (
    ours &&
    method &&
    [first, second].every((step) => isPlainName(step) && !lentNames.has(step))
  ) {
    return { kind: 'library', library, callable: false };
  }
  if (danger !== null) return { kind: 'dangerous', effect: danger.effect };
  const inside = steps.some((step) => step.startsWith('_') || denied.has(`${step} *`));
  return inside ? { kind: 'dangerous', effect: 'introspect' } : unknown;
}

function dangerOf(module: string, name: string): { effect: Effect; depth: number } | null {
  const exact = denied.get(`${module} ${name}`);
  if (exact !== undefined) return { effect: exact, depth: Number.POSITIVE_INFINITY };
  for (const path of ancestors(module)) {
    const effect = denied.get(`${path} *`);
    if (effect !== undefined) return { effect, depth: depthOf(path) };
  }
  // A module reached as an attribute of another one is still that module.
  const reached = denied.get(`${name} *`);
  return reached === undefined ? null : { effect: reached, depth: Number.POSITIVE_INFINITY };
}

function libraryOf(module: string): string | null {
  for (const path of ancestors(module)) if (libraries.has(path)) return path;
  return null;
}

/** The module and all that it lies in, from the longest to the shortest. */
function* ancestors(module: string): Generator<string> {
  for (let path = module; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    yield path;
  }
}

function depthOf(module: string): number {
  return module.split('.').length;
}

function isPlainName(name: string): boolean {
  return /^_{0,1}[A-Za-z]\w*$/.test(name) || /^__pyx_unpickle_\w+$/.test(name);
}

function tableOf(lists: readonly Readonly<Record<string, AllowRow>>[]): Map<string, Use> {
  const table = new Map<string, Use>();
  for (const list of lists) {
    for (const [module, row] of Object.entries(list)) {
      for (const [use, names] of Object.entries(row) as [Use, string][]) {
        for (const name of names.split(' ')) addUse(table, module, name, use);
      }
    }
  }
  return table;
}

function addUse(table: Map<string, Use>, module: string, name: string, use: Use): void {
  const key = `${module} ${name}`;
  if (!table.has(key)) table.set(key, use);
}

function deniedOf(): Map<string, Effect> {
  const table = new Map<string, Effect>();
  for (const [module, row] of Object.entries(deny)) {
    for (const [effect, names] of Object.entries(row) as [Effect, string][]) {
      for (const name of names.split(' ')) table.set(`${module} ${name}`, effect);
    }
  }
  return table;
}
