/**
 * Trust in what others may change: code of another repository without a fixed revision, loaders
 * told to leave out their checks, bytes kept as a text that nobody can read.
 */
import { pattern } from '../text/pattern.ts';
import type { Use } from './use.ts';

/** What is to be told of such a use. */
export interface TrustFault {
  readonly rule: 'MRL-PYC-001' | 'MRL-PYC-006' | 'MRL-PYC-009';
  readonly severity: 'medium' | 'high';
  readonly why: string;
}

const hiddenCharactersMin = 512;
const loaders =
  /\.(from_pretrained|from_config|load_dataset|pipeline|load_metric|SentenceTransformer|LLM)$/;
/** First bytes of pictures, sounds, fonts, documents and packed files, in hexadecimal. */
const magics = pattern('trust.magics');

/** The fault of a use, or null. */
export function trustFault(use: Use): TrustFault | null {
  if (use.kind !== 'called') return null;
  if (/(^|\.)enable_unsafe_deserialization$/.test(use.path) || isFalse(use, 'safe_mode')) {
    return { rule: 'MRL-PYC-006', severity: 'medium', why: 'switches the safe mode off' };
  }
  if (use.path === 'torch.hub.load') return hubFault(use);
  if (loaders.test(`.${use.path}`) && isTrue(use, 'trust_remote_code')) {
    const [first] = use.args;
    const isLocal = first?.kind === 'text' && /^[./~]/.test(first.text);
    const isPinned = use.keywords.has('revision') || use.keywords.has('code_revision');
    if (isLocal || isPinned) return null;
    const why = 'runs code of another repository, whatever it will be';
    return { rule: 'MRL-PYC-009', severity: 'medium', why };
  }
  return /^base64\.\w*b64decode$|^binascii\.a2b_base64$/.test(use.path) ? hiddenBytes(use) : null;
}

/** `owner/repository:reference`; without the last part it is what the owner has today. */
function hubFault(use: Use): TrustFault | null {
  const [first] = use.args;
  const name = first?.kind === 'text' ? first.text : '';
  const isLocal = use.keywords.get('source')?.text === 'local';
  const isKnown = pattern('trust.owners').test(name) || name === '' || name.includes(':');
  if (isLocal || isKnown) return null;
  const severity = use.atImport && isTrue(use, 'trust_repo') ? 'high' : 'medium';
  return { rule: 'MRL-PYC-009', severity, why: 'runs code of another repository, unasked' };
}

function hiddenBytes(use: Use): TrustFault | null {
  const [first] = use.args;
  if (first?.kind !== 'text' || first.text.length < hiddenCharactersMin) return null;
  const bytes = Buffer.from(first.text.slice(0, hiddenCharactersMin), 'base64');
  const readable = bytes.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
  if (readable || magics.test(bytes.toString('hex'))) return null;
  return { rule: 'MRL-PYC-001', severity: 'medium', why: 'keeps bytes as a text that hides them' };
}

function isTrue(use: Use, key: string): boolean {
  return use.keywords.get(key)?.path === 'builtins.True';
}

/** True when an argument of that name is `False`. */
export function isFalse(use: Use, key: string): boolean {
  return use.keywords.get(key)?.path === 'builtins.False';
}
