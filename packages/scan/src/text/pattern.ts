/**
 * Word lists and habits that readers look for, as data (`patterns.json`): each a regular
 * expression in pieces, by the reader and the purpose it serves.
 */
import patterns from './patterns.json' with { type: 'json' };

/** Name of a pattern. */
export type PatternName = keyof typeof patterns;

const compiled = new Map<PatternName, RegExp>();

/** The regular expression of a name; it keeps no state between uses. */
export function pattern(name: PatternName): RegExp {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const { source, flags }: { source: string[]; flags?: string } = patterns[name];
  const made = new RegExp(source.join(''), flags);
  compiled.set(name, made);
  return made;
}
