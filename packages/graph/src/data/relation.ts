/**
 * Linear relations between columns as people write them: `total = a + b`, `a + 2*b <= 100`,
 * `amount >= 0.1 * income`. They are read into one form: terms compared with a number.
 */

/** A multiple of a column. */
export interface LinearTerm {
  readonly feature: string;
  readonly factor: number;
}

/** The sum of the terms equals the bound, or is at most the bound. */
export interface LinearRelation {
  readonly kind: 'equal' | 'atMost';
  readonly terms: readonly LinearTerm[];
  readonly bound: number;
  /** As it was written. */
  readonly text: string;
}

const lengthMax = 1000;
const token = /\s*(?:("[^"]+")|([A-Za-z_][\w.]*)|(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|([-+*])|(.))/y;

/**
 * Reads one relation; names with spaces stand in double quotes. Returns a sentence that says what
 * is wrong when it cannot be read.
 */
export function parseRelation(text: string): LinearRelation | string {
  const [, left, sign, right, more] = /^([^<>=]+)(<=|>=|==?|≤|≥)([^<>=]+)(.*)$/s.exec(text) ?? [];
  if (left === undefined || sign === undefined || right === undefined || more !== '') {
    return `expected two sums with "=", "<=" or ">=" between them, got "${text.slice(0, 60)}"`;
  }
  if (text.length > lengthMax) return `expected at most ${lengthMax} characters`;
  const a = parseSum(left);
  if (typeof a === 'string') return a;
  const b = parseSum(right);
  if (typeof b === 'string') return b;
  const atLeast = sign === '>=' || sign === '≥';
  const turn = atLeast ? -1 : 1;
  const factors = new Map<string, number>();
  const add = (terms: readonly LinearTerm[], by: number) => {
    for (const { feature, factor } of terms) {
      factors.set(feature, (factors.get(feature) ?? 0) + by * factor);
    }
  };
  add(a.terms, turn);
  add(b.terms, -turn);
  const terms = [...factors].flatMap(([feature, factor]) =>
    factor === 0 ? [] : [{ feature, factor }],
  );
  if (terms.length === 0) return `names no column: "${text.slice(0, 60)}"`;
  const kind = sign.startsWith('=') ? 'equal' : 'atMost';
  return { kind, terms, bound: turn * (b.constant - a.constant), text: text.trim() };
}

interface Sum {
  readonly terms: readonly LinearTerm[];
  readonly constant: number;
}

/** A sum of columns, numbers and products of a number and a column. */
function parseSum(text: string): Sum | string {
  const terms: LinearTerm[] = [];
  let constant = 0;
  let factor = 1;
  let feature: string | undefined;
  let open = true;
  const close = () => {
    if (feature === undefined) constant += factor;
    else terms.push({ feature, factor });
    factor = 1;
    feature = undefined;
    open = true;
  };
  const source = text.trim();
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const [, quoted, name, number, operator, other] = token.exec(source) ?? [];
    const operand = quoted?.slice(1, -1) ?? name;
    if (other !== undefined) return `cannot read "${other}" in "${source.slice(0, 60)}"`;
    if (operator === '*') {
      if (open) return `"*" stands at a wrong place in "${source.slice(0, 60)}"`;
      open = true;
    } else if (operator !== undefined) {
      if (!open) close();
      if (operator === '-') factor = -factor;
    } else if (!open) {
      return `two operands without a sign in "${source.slice(0, 60)}"`;
    } else {
      if (operand !== undefined && feature !== undefined) {
        return `a product of two columns in "${source.slice(0, 60)}"`;
      }
      if (operand !== undefined) feature = operand;
      else factor *= Number(number);
      open = false;
    }
  }
  if (open) return `ends too early: "${source.slice(0, 60)}"`;
  close();
  return { terms, constant };
}
