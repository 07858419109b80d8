/**
 * XML of models (PMML, OpenVINO): what a parser would fetch or expand, and what an engine would
 * run. Read as text by its markup; nothing is resolved.
 */

import { type Place, tell } from '../audit.ts';
import { attackIn, isPrivatePath } from './command.ts';
import { pattern } from './pattern.ts';

const entitiesMax = 20;

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
  const entities = [...clean.matchAll(/<!ENTITY\s+%?\s*\S+\s+["']([^"']*)["']/g)];
  const nested = entities.filter(([, value = '']) => (value.match(/[&%]\w+;/g) ?? []).length >= 2);
  if (nested.length >= 2 || entities.length > entitiesMax) {
    tell(place, 'MRL-XML-002', {
      evidence: `${entities.length} entities, ${nested.length} of entities`,
    });
  } else if (entities.length > 0 && outside === null) {
    tell(place, 'MRL-XML-002', { evidence: entities[0]?.[0] ?? '', severity: 'low' });
  }
  const include = pattern('xml.include').exec(clean);
  if (include !== null) tell(place, 'MRL-XML-001', { evidence: include[0], severity: 'high' });
  const script = pattern('xml.script').exec(clean);
  if (script !== null) tell(place, 'MRL-XML-003', { evidence: script[0], offset: script.index });
  const code = attackIn(clean) ?? codeIn(clean);
  if (code !== null) tell(place, 'MRL-XML-003', { evidence: code.evidence, offset: code.at });
  scanOpenVino(place, clean);
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
  const outside = /\b(?:path|location|bin|weights|source)\s*=\s*["']([^"']+)["']/g;
  for (const [, path = ''] of text.matchAll(outside)) {
    if (isPrivatePath(path) || path.split(/[/\\]/).includes('..') || /^[/\\]/.test(path)) {
      tell(place, 'MRL-ONX-001', { evidence: path });
    }
  }
}
