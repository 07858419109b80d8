/** Names that a framework looks up in a configuration and calls: Hydra's `_target_` and its kin. */

import { type Place, tell } from '../audit.ts';
import { classify } from '../policy/classify.ts';
import { groupOf } from '../python/groups.ts';
import { pattern } from './pattern.ts';

/** Ways around: functions that look up or call another name that the file gives. */
const indirect = pattern('targets.indirect');
const everyday = pattern('targets.everyday');

/** Judges a name; what is merely unknown is the business of whoever runs the framework. */
export function scanTarget(place: Place, key: string, target: string, pointer: string): void {
  const dot = target.lastIndexOf('.');
  const [module, name] = [target.slice(0, dot), target.slice(dot + 1)];
  const group = groupOf(target);
  const grave = group !== null && group !== 'load' && group !== 'write';
  if (!grave && !indirect.test(target) && everyday.test(target)) return;
  const found = classify(module, name, place.audit.policy);
  const effect = found.kind === 'dangerous' ? found.effect : null;
  const weak =
    effect === 'load' || effect === 'introspect' || group === 'load' || group === 'write';
  if (grave || indirect.test(target) || (effect !== null && !weak)) {
    tell(place, 'MRL-CFG-001', { evidence: `${key}: ${target}`, pointer });
  } else if (key.startsWith('_') && (group !== null || effect !== null)) {
    tell(place, 'MRL-CFG-001', { evidence: `${key}: ${target}`, pointer, severity: 'high' });
  }
}
