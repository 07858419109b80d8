/**
 * XML of models (PMML, OpenVINO): what a parser would fetch or expand, and what an engine would
 * run. Read as text by its markup; nothing is resolved.
 */

import { type Place, tell } from '../audit.ts';
import { attackIn, isPrivatePath } from './command.ts';
import { pattern } from './pattern.ts';

const entitiesMax = 20;
const entityDepthMax = 1000;
/** Characters out of entities, above which a parser is kept busy for nothing. */
const growthMax = 1_000_000;
/** No file of weights is that long. */
const offsetMax = 2 ** 40;

/** True for a document of XML. */
export function looksLikeXml(text: string): boolean {
  return /^\uFEFF?\s*(<\?xml[\s?]|<!DOCTYPE\s|<(PMML|net)[\s>])/i.test(text.slice(0, 2000));
}

/** Audits a document. */
export function scanXml(place: Place, text: string): void {
  const clean = text.replace(/<!--[\s\S]*?-->/g, '');
  const outside = /<!(?:ENTITY|DOCTYPE)\s[^>]*?\b(?:SYSTEM|PUBLIC)\s+["'][^"']*["'][^>]*>/.exec(
    clean,
  );
  if (outside !== null) {
    const isType = /^<!DOCTYPE\s+\S+\s+PUBLIC\s+"-\/\/(W3C|DMG|Apple)/i.test(outside[0]);
    if (!isType) tell(place, 'MRL-XML-001', { evidence: outside[0], offset: outside.index });
  }
  const entities = [...clean.matchAll(/<!ENTITY\s+(?:%\s+)?(\S+)\s+["']([^"']*)["']/g)];
  const growth = growthOf(entities);
  const nested = entities.filter(
    ([, , value = '']) => (value.match(/[&%]\w+;/g) ?? []).length >= 2,
  );
  if (nested.length >= 2 || entities.length > entitiesMax || growth > growthMax) {
    const severity = growth > growthMax ? 'high' : 'medium';
    const evidence = `${entities.length} entities, ${nested.length} of entities`;
    tell(place, 'MRL-XML-002', { evidence, severity });
  } else if (entities.length > 0 && outside === null) {
    tell(place, 'MRL-XML-002', { evidence: entities[0]?.[0] ?? '' });
  }
  const include = pattern('xml.include').exec(clean);
  if (include !== null) tell(place, 'MRL-XML-001', { evidence: include[0], severity: 'high' });
  const script = pattern('xml.script').exec(clean);
  if (script !== null) tell(place, 'MRL-XML-003', { evidence: script[0], offset: script.index });
  const code = attackIn(clean) ?? codeIn(clean);
  if (code !== null) tell(place, 'MRL-XML-003', { evidence: code.evidence, offset: code.at });
  scanOpenVino(place, clean);
}

/** Characters of the longest entity once all that it refers to is in its place. */
function growthOf(entities: readonly RegExpExecArray[]): number {
  const values = new Map(entities.map(([, name = '', value = '']) => [name, value]));
  const known = new Map<string, number>();
  const lengthOf = (name: string, depth: number): number => {
    const value = values.get(name);
    if (value === undefined) return 1;
    const before = known.get(name);
    if (before !== undefined) return before;
    if (depth > entityDepthMax) return Number.POSITIVE_INFINITY;
    // Until it is known: what refers to itself never ends.
    known.set(name, Number.POSITIVE_INFINITY);
    let total = value.length;
    for (const [, inner = ''] of value.matchAll(/[&%]([\w.-]+);/g)) {
      total += lengthOf(inner, depth + 1);
    }
    known.set(name, total);
    return total;
  };
  return Math.max(0, ...[...values.keys()].slice(0, 10_000).map((name) => lengthOf(name, 0)));
}

/** Calls of several languages that have no place in the description of a model. */
function codeIn(text: string): { readonly evidence: string; readonly at: number } | null {
  const found = pattern('xml.found').exec(text);
  return found === null ? null : { evidence: found[0], at: found.index };
}

function scanOpenVino(place: Place, text: string): void {
  if (!/<net\b[^>]*>/.test(text.slice(0, 4000))) return;
  const libraries = new Set<string>();
  for (const [layer] of text.matchAll(/<(?:layer|data|extension|library)\b[^>]*>/g)) {
    const library = pattern('xml.library').exec(layer);
    if (library?.[1] !== undefined) libraries.add(library[1]);
    const type = /\btype\s*=\s*["']([^"']+)["']/.exec(layer)?.[1] ?? '';
    const set = /\bversion\s*=\s*["']([^"']+)["']/.exec(layer)?.[1] ?? '';
    const custom = /^(extension|custom)/i.test(set) || /^(custom|python|pyfunc|pyop)/i.test(type);
    if (custom) tell(place, 'MRL-CUS-001', { evidence: `${type} of ${set}` });
  }
  for (const library of [...libraries].slice(0, entitiesMax)) {
    tell(place, 'MRL-CUS-002', { evidence: library });
  }
  for (const [, key, value = ''] of text.matchAll(/\b(offset|size)\s*=\s*["'](-?\d+)["']/g)) {
    if (Number(value) < offsetMax && Number(value) >= 0) continue;
    tell(place, 'MRL-XML-004', { evidence: `${key} ${value}` });
    break;
  }
  const outside = /\b(?:path|location|bin|weights|source)\s*=\s*["']([^"']+)["']/g;
  for (const [, path = ''] of text.matchAll(outside)) {
    if (isPrivatePath(path) || path.split(/[/\\]/).includes('..') || /^[/\\]/.test(path)) {
      tell(place, 'MRL-ONX-001', { evidence: path });
    }
  }
}
