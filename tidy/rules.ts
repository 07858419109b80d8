/** The style as rules: each takes a file and tells its faults. */
import { posix } from 'node:path';
import { adapters, exceptions, limits, order, packageSpecifier, steps } from './order.ts';
import {
  type Fault,
  importsOf,
  isNode,
  lineOf,
  type SourceFile,
  type SyntaxNode,
  walk,
} from './source.ts';

/** Words that mark work left lying about. */
const leftover = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`,
);

/** The package that a path belongs to, or null. */
export function packageOf(path: string): string | null {
  return /^packages\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** Files, functions and lines stay small enough to be read at once. */
export function sizes(file: SourceFile): Fault[] {
  if (exceptions[file.path] !== undefined) return [];
  const faults: Fault[] = [];
  const lines = file.text.split('\n');
  if (lines.length > limits.linesPerFileMax + 1) {
    faults.push(fault(file, 0, 'file-length', `split it: ${lines.length} lines`));
  }
  let offset = 0;
  for (const line of lines) {
    if (line.length > limits.columnsMax && !line.includes('://')) {
      faults.push(fault(file, offset, 'line-length', `break it: ${line.length} columns`));
    }
    offset += line.length + 1;
  }
  walk(file.program, (node) => {
    if (!isFunction(node) || isTestFile(file.path)) return;
    const length = lineOf(file.text, node.end) - lineOf(file.text, node.start) + 1;
    if (length > limits.linesPerFunctionMax) {
      faults.push(fault(file, node.start, 'function-length', `split it: ${length} lines`));
    }
  });
  return faults;
}

/** No `any`, and nothing left lying about. */
export function forbiddenWords(file: SourceFile): Fault[] {
  const faults: Fault[] = [];
  walk(file.program, (node) => {
    if (node.type === 'TSAnyKeyword') {
      faults.push(fault(file, node.start, 'any', 'name the type, or use unknown and check it'));
    }
    if (node.type === 'CatchClause' && isEmptyBlock(node.body) && !file.path.includes('/test/')) {
      faults.push(
        fault(file, node.start, 'swallowed-error', 'handle it or say why it is no fault'),
      );
    }
  });
  for (const comment of file.comments) {
    if (leftover.test(comment.value)) {
      faults.push(fault(file, comment.start, 'leftover', 'do it now or write it in decisions/'));
    }
  }
  return faults;
}

/** Every export and every module head says what it is for. */
export function documented(file: SourceFile): Fault[] {
  if (isTestFile(file.path) || !file.path.includes('/src/')) return [];
  const faults: Fault[] = [];
  const first = file.comments[0];
  const body = Array.isArray(file.program.body) ? file.program.body : [];
  const start = isNode(body[0]) ? body[0].start : 0;
  if (first === undefined || first.type !== 'Block' || first.start > start) {
    faults.push(fault(file, 0, 'module-head', 'begin with a comment: what, why, source'));
  }
  for (const node of body) {
    if (!isNode(node) || node.type !== 'ExportNamedDeclaration') continue;
    const { declaration } = node;
    if (!isNode(declaration)) continue;
    if (!hasDocBefore(file, node)) {
      faults.push(fault(file, node.start, 'undocumented-export', 'say what comes back and throws'));
    }
  }
  return faults;
}

/** Imports point downwards, within declared dependencies, and steps stay apart. */
export function layers(file: SourceFile, declared: ReadonlySet<string>): Fault[] {
  const owner = packageOf(file.path);
  if (owner === null) return [];
  const allowed: readonly string[] = order[owner as keyof typeof order] ?? [];
  const faults: Fault[] = [];
  for (const { specifier, offset } of importsOf(file)) {
    if (specifier.startsWith('node:')) continue;
    if (specifier.startsWith('.')) {
      faults.push(...relativeFaults(file, specifier, offset));
      continue;
    }
    const name = bareName(specifier);
    const ours = Object.keys(order).find((each) => packageSpecifier(each) === name);
    if (ours !== undefined && ours !== owner && !allowed.includes(ours)) {
      const instead = `${owner} may import ${allowed.join(', ') || 'nothing of ours'}`;
      faults.push(fault(file, offset, 'upward-import', instead));
    }
    if (!declared.has(name) && file.path.includes('/src/')) {
      faults.push(fault(file, offset, 'undeclared-dependency', `add ${name} to its package.json`));
    }
  }
  return faults;
}

function relativeFaults(file: SourceFile, specifier: string, offset: number): Fault[] {
  const target = posix.join(posix.dirname(file.path), specifier);
  const faults: Fault[] = [];
  if (packageOf(target) !== packageOf(file.path) && file.path.includes('/src/')) {
    faults.push(fault(file, offset, 'package-border', 'import the other package by its name'));
  }
  if (file.path.startsWith('packages/platform/src/')) {
    faults.push(...platformFaults(file, target, offset));
  }
  return faults;
}

function platformFaults(file: SourceFile, target: string, offset: number): Fault[] {
  const inside = (path: string): string => path.slice('packages/platform/src/'.length);
  const from = inside(file.path);
  const to = inside(target);
  const faults: Fault[] = [];
  const fromStep = steps.find((step) => from.startsWith(`${step}/`));
  const toStep = steps.find((step) => to.startsWith(`${step}/`));
  if (fromStep !== undefined && toStep !== undefined && fromStep !== toStep) {
    faults.push(fault(file, offset, 'step-imports-step', 'share through model.ts'));
  }
  const toAdapter = adapters.find((adapter) => to.startsWith(adapter));
  const free = from === 'main.ts' || toAdapter === undefined || from.startsWith(toAdapter);
  if (!free) {
    faults.push(fault(file, offset, 'adapter-named', 'take the interface; main.ts joins them'));
  }
  return faults;
}

/** Import cycles, each told once as the list of its files. */
export function cycles(files: readonly SourceFile[]): Fault[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const faults: Fault[] = [];
  const visit = (path: string): void => {
    const file = byPath.get(path);
    if (file === undefined || state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      const loop = [...trail.slice(trail.indexOf(path)), path].join(' → ');
      faults.push(fault(file, 0, 'import-cycle', `break it: ${loop}`));
      return;
    }
    state.set(path, 'open');
    trail.push(path);
    for (const { specifier } of importsOf(file)) {
      if (specifier.startsWith('.')) visit(posix.join(posix.dirname(path), specifier));
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const file of files) visit(file.path);
  return faults;
}

function bareName(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

function hasDocBefore(file: SourceFile, node: SyntaxNode): boolean {
  return file.comments.some(
    (comment) =>
      comment.type === 'Block' &&
      comment.value.startsWith('*') &&
      comment.end <= node.start &&
      file.text.slice(comment.end, node.start).trim() === '',
  );
}

function isFunction(node: SyntaxNode): boolean {
  return /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type);
}

function isEmptyBlock(body: unknown): boolean {
  return isNode(body) && Array.isArray(body.body) && body.body.length === 0;
}

function isTestFile(path: string): boolean {
  return path.includes('/test/') || path.endsWith('.test.ts');
}

function fault(file: SourceFile, offset: number, rule: string, instead: string): Fault {
  return { path: file.path, line: lineOf(file.text, offset), rule, instead };
}
