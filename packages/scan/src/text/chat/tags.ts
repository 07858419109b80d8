/** The tags of a Jinja template: `{{ … }}` prints, `{% … %}` does; all else is text. */

/** A tag with what stands in it, or a text between two tags. */
export interface Part {
  readonly kind: 'expression' | 'statement' | 'text';
  readonly inside: string;
  /** With its brackets. */
  readonly whole: string;
}

/** All parts in their order; a tag that is never closed is text. Linear in the length. */
export function* partsOf(template: string): Generator<Part, void, void> {
  // Where the last tag of a kind closes: behind it none is worth a search.
  const last = { '{{': template.lastIndexOf('}}'), '{%': template.lastIndexOf('%}') };
  let from = 0;
  for (let at = template.indexOf('{'); at >= 0; at = template.indexOf('{', at + 1)) {
    const open = template.slice(at, at + 2);
    if ((open !== '{{' && open !== '{%') || last[open] < at + 2) continue;
    const end = template.indexOf(open === '{{' ? '}}' : '%}', at + 2);
    if (from < at) yield textOf(template.slice(from, at));
    const kind = open === '{{' ? 'expression' : 'statement';
    yield { kind, inside: template.slice(at + 2, end), whole: template.slice(at, end + 2) };
    from = end + 2;
    at = from - 1;
  }
  if (from < template.length) yield textOf(template.slice(from));
}

function textOf(text: string): Part {
  return { kind: 'text', inside: text, whole: text };
}
