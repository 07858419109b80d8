/** Every rule by its id, stable over versions: what it says, how bad it is, what to do about it. */
import { modelRules } from './rules/models.ts';
import { objectRules } from './rules/objects.ts';
import type { Rule } from './rules/rule.ts';
import { textRules } from './rules/texts.ts';

/** What all findings of a rule share. */
export type { Rule } from './rules/rule.ts';

/** All rules by id. */
export const rules = { ...objectRules, ...modelRules, ...textRules } as const satisfies Record<
  string,
  Rule
>;

/** Id of a rule. */
export type RuleId = keyof typeof rules;
