/**
 * What the policy says of a name: the longest matching row decides, the allow list by exact names,
 * the list of dangers by modules. A dotted name is a path through attributes and inherits nothing.
 */
import { type Effect, type PolicyDocument, shippedPolicy, type Use } from './document.ts';
import { canonicalName } from './names.ts';

/** `ml`: what ordinary model files need; `strict`: weights only, as PyTorch's own safe loader. */
export type Profile = 'ml' | 'strict';

/** Version of the policy data that Merlon ships. */
export const policyVersion: string = shippedPolicy.version;

/** What the policy says of a name. */
export type Classification =
  | { readonly kind: 'allowed'; readonly use: Use }
  /** A class or function of a known library: may be restored and referred to, not called. */
  | { readonly kind: 'library'; readonly library: string; readonly callable: boolean }
  | { readonly kind: 'dangerous'; readonly effect: Effect }
  | { readonly kind: 'unknown' };

/** A policy document under one profile, ready to be asked. */
export interface Policy {
  readonly version: string;
  readonly profile: Profile;
  readonly allowed: ReadonlyMap<string, Use>;
  readonly dangerous: ReadonlyMap<string, Effect>;
  readonly libraries: ReadonlySet<string>;
  readonly constructors: ReadonlySet<string>;
  readonly lent: ReadonlySet<string>;
  /** Methods that may be called, as `module.Class method`. */
  readonly methods: ReadonlySet<string>;
}

const unknown: Classification = { kind: 'unknown' };
const compiled = new WeakMap<PolicyDocument, Partial<Record<Profile, Policy>>>();

/** Prepares a document for questions; the same document and profile are prepared once. */
export function policyOf(profile: Profile, document: PolicyDocument = shippedPolicy): Policy {
  const known = compiled.get(document) ?? {};
  const policy = known[profile] ?? compile(profile, document);
  compiled.set(document, { ...known, [profile]: policy });
  return policy;
}

/** Classifies a name as it stands in a file. */
export function classify(module: string, name: string, policy: Policy): Classification {
  const canonical = canonicalName(module, name);
  const allowed = policy.allowed.get(`${canonical.module} ${canonical.name}`);
  if (allowed !== undefined) return { kind: 'allowed', use: allowed };
  if (canonical.name.includes('.')) return classifyPath(canonical, policy);
  const danger = dangerOf(canonical.module, canonical.name, policy);
  const library = libraryOf(canonical.module, policy);
  if (library !== null && (danger === null || danger.depth <= depthOf(library))) {
    if (isPlainName(canonical.name) && !policy.lent.has(canonical.name)) {
      const allocates = policy.constructors.has(canonical.module);
      // Compiled classes of linear algebra begin with the letter of their type.
      const callable = allocates && isClassName(canonical.name.replace(/^[sdcz](?=[A-Z])/, ''));
      return { kind: 'library', library, callable };
    }
  }
  return danger === null ? unknown : { kind: 'dangerous', effect: danger.effect };
}

/** True for names that look like a class: `LogisticRegression`, `_Hidden`. */
export function isClassName(name: string): boolean {
  return /^_*[A-Z]\w*$/.test(name);
}

function classifyPath(
  { module, name }: { readonly module: string; readonly name: string },
  policy: Policy,
): Classification {
  const steps = name.split('.');
  const [first = '', second = ''] = steps;
  const danger = dangerOf(module, first, policy);
  const library = libraryOf(module, policy);
  const ours = library !== null && (danger === null || danger.depth <= depthOf(library));
  // A method of a class of the library, which is how newer pickles store bound methods.
  const method = steps.length === 2 && (isClassName(first) || /^_[A-Za-z]/.test(second));
  const plain = [first, second].every((step) => isPlainName(step) && !policy.lent.has(step));
  if (ours && method && plain) return { kind: 'library', library, callable: false };
  if (danger !== null) return { kind: 'dangerous', effect: danger.effect };
  const { dangerous } = policy;
  const inside = steps.some((step) => step.startsWith('_') || dangerous.has(`${step} *`));
  return inside ? { kind: 'dangerous', effect: 'introspect' } : unknown;
}

function dangerOf(
  module: string,
  name: string,
  { dangerous }: Policy,
): { effect: Effect; depth: number } | null {
  const exact = dangerous.get(`${module} ${name}`);
  if (exact !== undefined) return { effect: exact, depth: Number.POSITIVE_INFINITY };
  for (const path of ancestors(module)) {
    const effect = dangerous.get(`${path} *`);
    if (effect !== undefined) return { effect, depth: depthOf(path) };
  }
  // A module reached as an attribute of another one is still that module.
  const reached = dangerous.get(`${name} *`);
  return reached === undefined ? null : { effect: reached, depth: Number.POSITIVE_INFINITY };
}

function libraryOf(module: string, { libraries }: Policy): string | null {
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

function methodsOf(profile: Profile, { methods }: PolicyDocument): Set<string> {
  const rows = profile === 'ml' ? Object.entries(methods) : [];
  return new Set(rows.flatMap(([name, each]) => each.map((method) => `${name} ${method}`)));
}

function compile(profile: Profile, document: PolicyDocument): Policy {
  const allowed = new Map<string, Use>();
  const add = (module: string, names: readonly string[], use: Use): void => {
    for (const name of names) {
      const key = `${module} ${name}`;
      if (!allowed.has(key)) allowed.set(key, use);
    }
  };
  const { weights, ordinary, functions } = document;
  for (const names of profile === 'ml' ? [weights, ordinary] : [weights]) {
    for (const [module, row] of Object.entries(names)) {
      for (const [use, each] of Object.entries(row)) add(module, each, use as Use);
    }
  }
  if (profile === 'ml') {
    for (const [module, names] of Object.entries(functions)) add(module, names, 'constant');
  }
  const dangerous = new Map<string, Effect>();
  for (const [module, row] of Object.entries(document.dangerous)) {
    for (const [effect, names] of Object.entries(row)) {
      for (const name of names) dangerous.set(`${module} ${name}`, effect as Effect);
    }
  }
  return {
    version: document.version,
    profile,
    allowed,
    dangerous,
    libraries: new Set(profile === 'ml' ? document.libraries : []),
    constructors: new Set(document.constructors),
    lent: new Set(document.lent),
    methods: methodsOf(profile, document),
  };
}
