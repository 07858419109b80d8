/**
 * Objects of Java (Java Object Serialization Specification, chapter 6), as Weka and old H2O models
 * are: reading one makes every class it names. Known chains of classes run commands on the way.
 */
import { notUnderstood, type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { pattern } from '../text/pattern.ts';

const bytesMax = 1 << 26;
const toldMax = 10;
const gadgets = pattern('java.gadgets');

/** Tells classes that attacks chain together; the objects themselves are not followed. */
export async function scanJava(place: Place): Promise<void> {
  const { source } = place;
  const text = latin1(await source.read(0, Math.min(source.size, bytesMax)));
  const seen = new Set<string>();
  // TC_CLASSDESC or a proxy: a length of two bytes, then the name.
  for (const match of text.matchAll(pattern('java.names'))) {
    const [, name = ''] = match;
    const found = gadgets.exec(name);
    if (found === null || seen.has(found[0]) || seen.size >= toldMax) continue;
    seen.add(found[0]);
    tell(place, 'MRL-JAV-001', { evidence: name.slice(0, 200), offset: match.index });
  }
  if (seen.size === 0) tell(place, 'MRL-JAV-002', { evidence: 'a stream of Java objects' });
  notUnderstood(place, 'objects of Java are only searched for classes that attacks use');
}
