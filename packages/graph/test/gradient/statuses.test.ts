import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { operatorsPage } from '../../../../scripts/operators.ts';
import { differentiableOperators, operatorStatuses } from '../../src/index.ts';
import { cases } from './cases/all.ts';
import { quantizedCases } from './cases/quantize.ts';

describe('the list of operators', () => {
  it('names each once', () => {
    const names = operatorStatuses.map(({ domain, operator }) => `${domain}.${operator}`);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });
  it('is the page in the documentation; node scripts/operators.ts writes it', () => {
    const file = new URL('../../../../docs/operators.md', import.meta.url);
    expect(readFileSync(file, 'utf8')).toBe(operatorsPage());
  });
  it('has a case for every operator that is differentiated', () => {
    const all = [...cases, ...quantizedCases.map(({ quantized }) => quantized)];
    const named = ({ domain, operator }: { domain: string; operator: string }): string =>
      domain === '' ? operator : `${domain}.${operator}`;
    const covered = new Set(all.flatMap(({ nodes }) => nodes.map(named)));
    covered.add('Gemm');
    expect(differentiableOperators.filter((name) => !covered.has(name))).toEqual([]);
  });
});
