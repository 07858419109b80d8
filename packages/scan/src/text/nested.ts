/**
 * Pickles in base64 inside of texts: Stable-Baselines3 keeps them in JSON (`:serialized:`), others
 * in files of their own. What looks like one is decoded and audited as what it is.
 */
import { memorySource } from '@merlon/core';
import { memberName, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { looksLikePickle } from '../pickle/collect.ts';
import { probePickle } from '../pickle/scan.ts';

const candidatesMax = 64;
const charactersMin = 24;
const charactersMax = 1 << 25;
/** The mark of protocols 2 to 5 in base64. */
const marked = /(?<![A-Za-z0-9+/_-])gA[I-X][A-Za-z0-9+/_-]{21,}={0,2}/g;

/** Audits every pickle that stands in a text; `isConfiguration` where a loader reads it. */
export async function scanEncoded(
  place: Place,
  text: string,
  isConfiguration: boolean,
): Promise<void> {
  for (const { code, at } of candidates(text)) {
    const content = new Uint8Array(Buffer.from(code, 'base64'));
    if (!looksLikePickle(content.subarray(0, 64))) continue;
    const source = memorySource(content);
    const { isPickle } = await probePickle(new Cursor(source), place.audit.policy);
    if (!isPickle || place.depth >= place.audit.limits.depthMax) continue;
    if (isConfiguration) {
      tell(place, 'MRL-JSN-004', { evidence: `${code.slice(0, 40)}…`, offset: at });
    }
    const member = memberName(place, `base64@${at}`);
    const inside = { ...place, source, member, origin: 0, depth: place.depth + 1 };
    await place.descend(inside);
  }
}

function candidates(text: string): { readonly code: string; readonly at: number }[] {
  if (text.length > charactersMax) return [];
  // The whole of a file, broken into lines as encoders do; its beginning tells what it could be.
  const head = text
    .slice(0, 200)
    .trimStart()
    .replace(/[\r\n]/g, '')
    .slice(0, 88);
  const isCode = head.length >= charactersMin && /^[A-Za-z0-9+/_-]+=*\s*$/.test(head);
  if (isCode && looksLikePickle(new Uint8Array(Buffer.from(head, 'base64')))) {
    const whole = text.replace(/\s+/g, '');
    if (/^[A-Za-z0-9+/_-]+=*$/.test(whole)) return [{ code: whole, at: 0 }];
  }
  const found: { code: string; at: number }[] = [];
  for (const match of text.matchAll(marked)) {
    found.push({ code: match[0], at: match.index });
    if (found.length >= candidatesMax) break;
  }
  return found;
}
