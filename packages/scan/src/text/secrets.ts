/**
 * Secrets and personal data in the text parts of a model. A secret that looks alive is for somebody
 * to look at; what stands in for one in examples is not told at all.
 */
import { type Place, tell } from '../audit.ts';
import { pattern } from './pattern.ts';

const shownCharacters = 12;
const textMax = 1 << 24;

/** Forms of secrets that are not mistaken for anything else. */
const secrets: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN (?:RSA |EC |OPENSSH |DSA |PGP |ENCRYPTED )?PRIVATE KEY/],
  ['a key of AWS', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a token of Hugging Face', /\bhf_[A-Za-z0-9]{34,40}\b/],
  ['a token of GitHub', /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{60,}\b/],
  ['a token of GitLab', /\bglpat-[\w-]{20,}/],
  ['a key of Anthropic', /\bsk-ant-[\w-]{20,}/],
  ['a key of OpenAI', /\bsk-(?:proj-)?[A-Za-z0-9_-]{40,}\b/],
  ['a key of Google', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['a token of Slack', /\bxox[abpr]-[0-9A-Za-z-]{20,}\b/],
  [
    'a webhook',
    /\bhttps:\/\/(hooks\.slack\.com\/services|discord(app)?\.com\/api\/webhooks)\/[\w/-]{20,}/,
  ],
  ['a key of Weights & Biases', /\bwandb[\w"'\s:=.-]{0,24}\b[0-9a-f]{40}\b/i],
  ['a token (JWT)', /\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{15,}\b/],
  ['a password in an address', /\b[a-z][a-z+]{2,9}:\/\/[^\s:/@"']{1,64}:[^\s:/@"']{3,64}@[\w.-]+/],
];
const personal: readonly (readonly [string, RegExp])[] = [
  ['a social security number', /\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b/],
  ['a bank account', /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){4,7}(?: ?[A-Z0-9]{1,3})?\b/],
];

/** Words of examples: nobody's secret. */
const placeholder = pattern('secrets.placeholder');
/** How any secret begins; most texts end here. */
const begins = pattern('secrets.begins');

/** What a text holds that looks like a living secret, cut short; or null. */
export function secretIn(text: string): string | null {
  if (!begins.test(text)) return null;
  const found = secretsIn(text).find(({ severity }) => severity === 'medium');
  return found === undefined ? null : found.evidence;
}

interface Secret {
  readonly evidence: string;
  readonly offset: number;
  readonly length: number;
  readonly severity: 'low' | 'medium';
}

function secretsIn(text: string): Secret[] {
  return secrets.flatMap(([what, form]) => {
    const all = text.matchAll(new RegExp(form.source, `${form.flags}g`));
    for (const { 0: whole, index } of all) {
      if (placeholder.test(whole)) continue;
      const evidence = `${what}: ${whole.slice(0, shownCharacters)}…`;
      // Such tokens expire, and every manual shows one.
      const severity = what === 'a token (JWT)' ? 'low' : 'medium';
      return [{ evidence, severity, offset: index, length: whole.length }];
    }
    return [];
  });
}

/** Tells each kind once; the secret itself is cut. */
export function scanSecrets(place: Place, text: string): void {
  const seen = text.slice(0, textMax);
  if (begins.test(seen)) for (const found of secretsIn(seen)) tell(place, 'MRL-SEC-001', found);
  for (const [what, form] of personal) {
    const found = form.exec(seen);
    if (found === null || (what === 'a bank account' && !isAccount(found[0]))) continue;
    tell(place, 'MRL-SEC-002', { evidence: what, offset: found.index, length: found[0].length });
  }
}

/** The check of ISO 13616: the number, rearranged, leaves 1 when divided by 97. */
function isAccount(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  if (plain.length < 15 || plain.length > 34) return false;
  let rest = 0;
  for (const letter of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(letter, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}
