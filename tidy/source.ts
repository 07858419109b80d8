/** Reads the tree once: every TypeScript file with its syntax tree, for all rules. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

/** A node of the syntax tree (ESTree), as loosely as the rules need it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A comment with its place. */
export interface SyntaxComment {
  readonly type: 'Line' | 'Block';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** One file of the tree. */
export interface SourceFile {
  /** Path from the root with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly program: SyntaxNode;
  readonly comments: readonly SyntaxComment[];
}

/** One broken rule: where, which, and what to do instead. */
export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly rule: string;
  readonly instead: string;
}

/** The root of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const skipped = new Set(['node_modules', 'dist', '.git', '.merlon', 'coverage']);

/** All files below a folder that satisfy the test, as paths from the root. */
export function filesBelow(folder: string, wanted: (path: string) => boolean): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...filesBelow(path, wanted));
    else if (wanted(path)) found.push(path);
  }
  return found;
}

/** Parses one file; a syntax error is thrown as it is. */
export function parseFile(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new SyntaxError(`${path}: ${error.message}`);
  return {
    path: relative(root, join(root, path)).split(sep).join('/'),
    text,
    program: parsed.program as unknown as SyntaxNode,
    comments: parsed.comments,
  };
}

/** All TypeScript of packages, tidy and scripts. */
export function allSources(): SourceFile[] {
  const isTypeScript = (path: string): boolean => /\.tsx?$/.test(path);
  return ['packages', 'tidy', 'scripts'].flatMap((folder) =>
    filesBelow(folder, isTypeScript).map(parseFile),
  );
}

/** Line number (from 1) of a character offset. */
export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}

/** Calls back for every node of a tree. */
export function walk(node: unknown, visit: (node: SyntaxNode) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit);
    return;
  }
  if (!isNode(node)) return;
  visit(node);
  for (const key of Object.keys(node)) {
    if (key !== 'parent') walk(node[key], visit);
  }
}

/** True for anything shaped like a syntax node. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** Every module that a file imports or re-exports, with its place. */
export function importsOf(file: SourceFile): { specifier: string; offset: number }[] {
  const found: { specifier: string; offset: number }[] = [];
  walk(file.program, (node) => {
    const { source } = node;
    const isImport =
      node.type === 'ImportDeclaration' ||
      node.type === 'ExportNamedDeclaration' ||
      node.type === 'ExportAllDeclaration' ||
      node.type === 'ImportExpression';
    if (isImport && isNode(source) && typeof source.value === 'string') {
      found.push({ specifier: source.value, offset: node.start });
    }
  });
  return found;
}
