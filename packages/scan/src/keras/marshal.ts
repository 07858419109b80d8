/**
 * Compiled Python code (CPython, Python/marshal.c) as it stands in Lambda layers and .pyc files.
 * The format changes with every version of Python; what does not is that names stand in it as
 * short texts, so these are what is read.
 */

import { type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { attackIn } from '../text/command.ts';
import { pattern } from '../text/pattern.ts';

const names = pattern('marshal.names');
const grave = pattern('marshal.grave');
const namesShownMax = 6;

/** Tells what compiled code calls by its names; plain arithmetic is only a Lambda. */
export function scanMarshal(place: Place, code: Uint8Array, pointer: string): void {
  const text = latin1(code);
  const found = new Set<string>();
  for (const [word] of text.matchAll(/[A-Za-z_][A-Za-z0-9_.]{1,63}/g)) {
    // A length byte that is a letter may stand before a name.
    for (const name of [word, word.slice(1)]) if (names.test(name)) found.add(name);
  }
  const attack = attackIn(text);
  if (attack !== null) found.add(attack.evidence);
  const worst = attack !== null || [...found].some((name) => grave.test(name));
  if (!worst && !found.has('open') && !found.has('environ')) return;
  const evidence = `the code uses ${[...found].slice(0, namesShownMax).join(', ')}`;
  tell(place, 'MRL-JSN-003', { evidence, pointer, severity: 'critical' });
}
