/**
 * The one table of all attacks. The command line takes its names from here, the documentation its
 * sentences, the tests their cases; an attack that is not in the table does not exist.
 */
import { didYouMean } from '@merlon/graph';
import { decisionRows } from './decision/rows.ts';
import { AttackError } from './error.ts';
import { gradientRows } from './gradient/rows.ts';
import { minimalRows } from './minimal/rows.ts';
import type { AttackRow, Suite } from './row.ts';
import { scoreRows } from './score/rows.ts';
import { tabularRows } from './tabular/rows.ts';

/** Every attack, weakest and cheapest first. */
export const attackTable: readonly AttackRow[] = [
  ...gradientRows,
  ...scoreRows,
  ...minimalRows,
  ...decisionRows,
  ...tabularRows,
];

/** Names of the suites. */
export const suites: readonly Suite[] = [
  'fast',
  'standard',
  'autoattack',
  'autoattack-plus',
  'autoattack-rand',
  'minimal',
  'scores',
  'decision',
  'tabular',
];

/** The attack of a name; throws `unknown-attack` naming the nearest one. */
export function attackNamed(name: string): AttackRow {
  const row = attackTable.find((candidate) => candidate.name === name);
  if (row !== undefined) return row;
  const names = attackTable.map((candidate) => candidate.name);
  throw new AttackError('unknown-attack', `attack "${name}" is unknown${didYouMean(name, names)}`, {
    hint: `Attacks: ${names.join(', ')}.`,
  });
}

/** The attacks of a suite; throws `unknown-attack` naming the nearest suite. */
export function attacksOf(suite: string): readonly AttackRow[] {
  const known = suites.find((candidate) => candidate === suite);
  if (known !== undefined) return attackTable.filter((row) => row.suites.includes(known));
  throw new AttackError(
    'unknown-attack',
    `suite "${suite}" is unknown${didYouMean(suite, suites)}`,
    {
      hint: `Suites: ${suites.join(', ')}.`,
    },
  );
}
