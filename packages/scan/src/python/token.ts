/**
 * Python source as tokens (The Python Language Reference, section 2), as far as calls and imports
 * need it. Anything that is no token is passed over, so that broken source is read as well.
 */

/** A token; `line` ends a logical line and carries the indentation of the next one. */
export interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign' | 'line';
  /** For texts their value; for signs and names themselves. */
  readonly text: string;
  readonly offset: number;
  /** Spaces before the next line, for `line`. */
  readonly indent: number;
  /** True for texts with parts to be computed (`f'…'`). */
  readonly formatted: boolean;
}

const tokensMax = 2_000_000;
const tabColumns = 8;
const pattern = new RegExp(
  [
    '(?<comment>#[^\\n]*)',
    '(?<prefix>[rRbBuUfFtT]{0,2})(?<quote>"""|\'\'\'|"|\')',
    String.raw`(?<name>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<continued>\\\r?\n)`,
    String.raw`(?<newline>\r?\n)`,
    String.raw`(?<sign>:=|->|\*\*|//|[=!<>]=|[-+*/%|&^@]=|[^\s])`,
  ].join('|'),
  'y',
);

/** All tokens of a source, at most two million. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  let at = 0;
  const push = (kind: Token['kind'], text: string, offset: number, more: Partial<Token> = {}) => {
    tokens.push({ kind, text, offset, indent: 0, formatted: false, ...more });
  };
  push('line', '', 0, { indent: indentAt(source, 0) });
  while (at < source.length && tokens.length < tokensMax) {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    const offset = at;
    if (match === null) {
      at++;
      continue;
    }
    at = pattern.lastIndex;
    const { prefix = '', quote, name, number, newline, sign } = match.groups ?? {};
    if (quote !== undefined) {
      const end = endOfText(source, at, quote);
      const inner = source.slice(at, end);
      at = Math.min(source.length, end + quote.length);
      const text = /r/i.test(prefix) ? inner : unescapeText(inner);
      push('text', text, offset, { formatted: /[ft]/i.test(prefix) });
    } else if (name !== undefined) push('name', name, offset);
    else if (number !== undefined) push('number', number, offset);
    else if (newline !== undefined) {
      if (depth <= 0) push('line', '', offset, { indent: indentAt(source, at) });
    } else if (sign !== undefined) {
      if ('([{'.includes(sign)) depth++;
      else if (')]}'.includes(sign)) depth = Math.max(0, depth - 1);
      push('sign', sign, offset);
    }
  }
  push('line', '', source.length);
  return tokens;
}

function endOfText(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === '\\') at++;
    else if (source.startsWith(quote, at)) return at;
    // A text that is never closed ends with its line, as a reader that recovers would have it.
    else if (source[at] === '\n' && quote.length === 1) return at;
  }
  return source.length;
}

function indentAt(source: string, from: number): number {
  let columns = 0;
  for (let at = from; at < source.length; at++) {
    if (source[at] === ' ') columns++;
    else if (source[at] === '\t') columns += tabColumns - (columns % tabColumns);
    else break;
  }
  return columns;
}

/** The value of a literal's inside. */
export function unescapeText(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\(\r?\n|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|[\\'"abfnrtv])/g,
    (_, code: string) => {
      if (/^[xuU]/.test(code)) return codePoint(Number.parseInt(code.slice(1), 16));
      if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255);
      if (/^\r?\n$/.test(code)) return '';
      return { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }[code] ?? code;
    },
  );
}

function codePoint(point: number): string {
  return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
}
