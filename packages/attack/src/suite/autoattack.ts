/**
 * AutoAttack (Croce and Hein 2020; in L1: Croce and Hein 2021) as suites of the table: which
 * attacks, with what settings. Only rows that stand go on to the next attack, and what each row
 * meets is drawn by its own number, so that the order changes the cost and not the result.
 */
import type { AttackSettings, Suite } from '../row.ts';
import type { Norm } from '../threat.ts';

/** The published versions, by the name of the suite. */
export const autoAttackVersions: Readonly<Partial<Record<Suite, 'standard' | 'plus' | 'rand'>>> = {
  autoattack: 'standard',
  'autoattack-plus': 'plus',
  'autoattack-rand': 'rand',
};

/** What a suite asks of an attack; nothing where its defaults hold. */
export function settingsOf(suite: Suite | undefined, attack: string, norm: Norm): AttackSettings {
  const version = suite === undefined ? undefined : autoAttackVersions[suite];
  if (version === undefined) return {};
  if (version === 'rand') return { averaged: 20 };
  const untilWithin = attack.startsWith('fab') ? { untilWithin: true } : {};
  if (version === 'plus' && ['apgd-ce', 'apgd-dlr', 'fab'].includes(attack)) {
    return { restarts: 5, ...untilWithin };
  }
  if (version === 'standard' && norm === 'l1') {
    if (attack === 'apgd-ce') return { restarts: 5 };
    if (attack === 'apgd-t') return { targetClasses: 5 };
  }
  return untilWithin;
}
