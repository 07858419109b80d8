/**
 * Known vulnerabilities of the frameworks that a file names by version, from an export of OSV
 * (schema 1.7): JSON documents, one a line or in a list.
 */
import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { ScanError } from './error.ts';

/** Advisories, ready to be asked for a package and a version. */
export interface Advisories {
  readonly count: number;
  /** Ids of all advisories that hold for a version of a package of PyPI. */
  affecting(name: string, version: string): readonly string[];
}

interface Row {
  readonly id: string;
  readonly versions: ReadonlySet<string>;
  readonly ranges: readonly {
    readonly from: string;
    readonly to: string;
    readonly last: boolean;
  }[];
}

/** Reads an export; throws `bad-advisories` when it holds none. */
export function readAdvisories(text: string): Advisories {
  const rows = new Map<string, Row[]>();
  let count = 0;
  for (const document of documentsOf(text)) {
    for (const affected of Array.isArray(document.affected) ? document.affected : []) {
      const row = rowOf(document, affected);
      if (row === null) continue;
      count++;
      rows.set(row.name, [...(rows.get(row.name) ?? []), row]);
    }
  }
  if (count === 0) {
    throw new ScanError('bad-advisories', 'the advisories expected OSV documents, got none');
  }
  return {
    count,
    affecting: (name, version) => {
      const known = rows.get(normal(name)) ?? [];
      return [...new Set(known.filter((row) => holds(row, version)).map(({ id }) => id))];
    },
  };
}

/**
 * The same export with only what is looked at here, one document a line: exports name much more.
 * Throws `bad-advisories` when it holds none.
 */
export function trimAdvisories(text: string): { readonly text: string; readonly count: number } {
  const { count } = readAdvisories(text);
  const lines = documentsOf(text).flatMap((document) => {
    const all = Array.isArray(document.affected) ? document.affected : [];
    const affected = all.filter((each) => rowOf(document, each) !== null).map(trimmed);
    if (affected.length === 0) return [];
    const { id = '', aliases = [] } = document;
    return [JSON.stringify({ id, aliases, affected })];
  });
  return { text: `${lines.join('\n')}\n`, count };
}

function trimmed(affected: Json): Json {
  const { package: of = null, ranges = [], versions = [] } = isJsonObject(affected) ? affected : {};
  return { package: of, ranges, versions };
}

function documentsOf(text: string): JsonObject[] {
  const parse = (part: string): Json => {
    try {
      return JSON.parse(part) as Json;
    } catch (cause) {
      throw new ScanError('bad-advisories', 'the advisories expected JSON', { cause });
    }
  };
  const trimmed = text.trim();
  const isLines = /^\{.*\}\s*\n\s*\{/.test(trimmed);
  const found = isLines ? trimmed.split('\n').map(parse) : parse(trimmed);
  const list = Array.isArray(found) ? found : [found];
  return list.filter((each): each is JsonObject => isJsonObject(each));
}

function rowOf(document: JsonObject, affected: Json): (Row & { readonly name: string }) | null {
  if (!isJsonObject(affected) || !isJsonObject(affected.package)) return null;
  const { name, ecosystem } = affected.package;
  if (typeof name !== 'string' || typeof document.id !== 'string') return null;
  if (typeof ecosystem === 'string' && !/^pypi$/i.test(ecosystem)) return null;
  const aliases = Array.isArray(document.aliases) ? document.aliases.map(String) : [];
  const id = aliases.find((alias) => alias.startsWith('CVE-')) ?? document.id;
  const versions = Array.isArray(affected.versions) ? affected.versions.map(String) : [];
  const ranges = (Array.isArray(affected.ranges) ? affected.ranges : []).flatMap(rangesOf);
  return { id, name: normal(name), versions: new Set(versions), ranges };
}

function rangesOf(range: Json): Row['ranges'][number][] {
  if (!isJsonObject(range) || range.type === 'GIT' || !Array.isArray(range.events)) return [];
  const out: Row['ranges'][number][] = [];
  let from: string | null = null;
  for (const event of range.events) {
    if (!isJsonObject(event)) continue;
    if (typeof event.introduced === 'string') from = event.introduced;
    const to = event.fixed ?? event.last_affected;
    if (from !== null && typeof to === 'string') {
      out.push({ from, to, last: event.fixed === undefined });
      from = null;
    }
  }
  if (from !== null) out.push({ from, to: '', last: false });
  return out;
}

function holds(row: Row, version: string): boolean {
  if (row.versions.has(version)) return true;
  return row.ranges.some(({ from, to, last }) => {
    if (compareVersions(version, from) < 0) return false;
    if (to === '') return true;
    const order = compareVersions(version, to);
    return last ? order <= 0 : order < 0;
  });
}

/** Numbers are compared as numbers; what follows them (`rc1`, `dev`) comes before the release. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  const [plain = ''] = version.replace(/^v/, '').split('+');
  const numbers = /^\d+(\.\d+)*/.exec(plain)?.[0].split('.').map(Number) ?? [];
  const early = /(a|b|rc|dev|alpha|beta)\.?(\d*)/.exec(plain);
  while (numbers.length < 4) numbers.push(0);
  return early === null ? numbers : [...numbers, -1000 + Number(early[2] ?? 0)];
}

function normal(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
