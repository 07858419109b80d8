/** The house keeps its own style: every fault is told with file, line, rule and what to do. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { describe, expect, it } from 'vitest';
import { limits, order } from './order.ts';
import { cycles, documented, forbiddenWords, layers, packageOf, sizes } from './rules.ts';
import { allSources, type Fault, filesBelow, root, type SourceFile } from './source.ts';

const sources = allSources();
const told = (faults: readonly Fault[]): string[] =>
  faults.map((f) => `${f.path}:${f.line} ${f.rule}: ${f.instead}`);

describe('tidy', () => {
  it('files, functions and lines are small', () => {
    expect(told(sources.flatMap(sizes))).toEqual([]);
  });
  it('no any, no swallowed errors, nothing left lying about', () => {
    expect(told(sources.flatMap(forbiddenWords))).toEqual([]);
  });
  it('every export and module is documented', () => {
    expect(told(sources.flatMap(documented))).toEqual([]);
  });
  it('imports point downwards and are declared', () => {
    const declared = new Map(Object.keys(order).map((name) => [name, dependenciesOf(name)]));
    const faults = sources.flatMap((file) =>
      layers(file, declared.get(packageOf(file.path) ?? '') ?? new Set()),
    );
    expect(told(faults)).toEqual([]);
  });
  it('no import cycles', () => {
    expect(told(cycles(sources))).toEqual([]);
  });
  it('folders stay small and every package stands in the order', () => {
    const folders = new Map<string, number>();
    for (const path of filesBelow('packages', (each) => each.includes('/src/'))) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      folders.set(folder, (folders.get(folder) ?? 0) + 1);
    }
    const crowded = [...folders].filter(([, count]) => count > limits.filesPerFolderMax);
    expect(crowded).toEqual([]);
    expect(readdirSync(join(root, 'packages')).sort()).toEqual(Object.keys(order).sort());
  });
  it('exact versions only', () => {
    const loose: string[] = [];
    for (const path of [
      'package.json',
      ...Object.keys(order).map((n) => `packages/${n}/package.json`),
    ]) {
      for (const [name, version] of Object.entries(readDependencies(path))) {
        if (!/^\d+\.\d+\.\d+$/.test(version)) loose.push(`${path}: ${name} ${version}`);
      }
    }
    expect(loose).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const file = (path: string, text: string): SourceFile => {
    const parsed = parseSync(path, text);
    return {
      path,
      text,
      program: parsed.program as unknown as SourceFile['program'],
      comments: parsed.comments,
    };
  };
  it('find what they are for', () => {
    const path = 'packages/core/src/x.ts';
    const rulesOf = (faults: Fault[]): string[] => faults.map((f) => f.rule);
    expect(rulesOf(forbiddenWords(file(path, 'const a: any = 1;')))).toEqual(['any']);
    expect(rulesOf(documented(file(path, 'export const a = 1;')))).toEqual([
      'module-head',
      'undocumented-export',
    ]);
    const upward = file(path, "import { a } from '@merlon/graph';");
    expect(rulesOf(layers(upward, new Set(['@merlon/graph'])))).toEqual(['upward-import']);
    const step = file('packages/platform/src/scan/a.ts', "import { b } from '../seal/b.ts';");
    expect(rulesOf(layers(step, new Set()))).toEqual(['step-imports-step']);
    const loop = [
      file('packages/core/src/a.ts', "import './b.ts';"),
      file('packages/core/src/b.ts', "import './a.ts';"),
    ];
    expect(rulesOf(cycles(loop))).toEqual(['import-cycle']);
    const long = file(path, `function f() {${'\n'.repeat(limits.linesPerFunctionMax + 1)}}`);
    expect(rulesOf(sizes(long))).toEqual(['function-length']);
  });
});

function dependenciesOf(name: string): Set<string> {
  return new Set(Object.keys(readDependencies(`packages/${name}/package.json`)));
}

function readDependencies(path: string): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
    dependencies?: Record<string, string>;
    devDependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  };
  return {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  };
}
