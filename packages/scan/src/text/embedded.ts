/**
 * Code, commands and addresses inside texts that only describe: metadata, configurations. They do
 * nothing by themselves, but whoever put them there meant something to pick them up.
 */

import { attackIn } from './command.ts';
import { pattern } from './pattern.ts';

/** What a text holds that it should not. */
export interface Embedded {
  readonly evidence: string;
  readonly severity: 'medium' | 'high';
}

const code = new RegExp(
  [
    String.raw`\b(os\.(system|popen|exec\w*|spawn\w*)|subprocess\.\w+|pty\.spawn)\s*\(\s*\S`,
    String.raw`\b(__import__|eval|exec)\s*\(\s*\S`,
    String.raw`\bimport\s+(os|sys|subprocess|socket|pty|ctypes|base64|marshal|pickle)\b\s*(;|\n|$)`,
    String.raw`\brm\s+-rf?\s|\bchmod\s+(\+x|[0-7]{3,4})\s+\/|(^|[\s;&|"'])/bin/(ba)?sh\s+-c\b`,
    String.raw`\b(curl|wget)\s+(-\S+\s+)*https?:\S+\s*(\||&&|;)|&&\s*(curl|wget)\s`,
    String.raw`<script[\s>]|javascript:\s*\w|\bon(error|load)\s*=\s*["']`,
    String.raw`<!ENTITY\s|<\?php\s`,
    String.raw`\b(Runtime\.getRuntime|ProcessBuilder|System\.Diagnostics)\b`,
    String.raw`\$\{jndi:|\{\{\s*[^}]*__\w+__`,
  ].join('|'),
  'i',
);
const addressKey = pattern('embedded.addressKey');
const hostileWords = pattern('embedded.hostileWords');
const relays = pattern('embedded.relays');

/** Code or a command in a text, or null. */
export function embeddedCode(text: string): Embedded | null {
  if (text.length < 8) return null;
  const found = code.exec(text)?.[0] ?? attackIn(text)?.evidence;
  if (found === undefined) return null;
  const at = Math.max(0, text.indexOf(found) - 20);
  return { evidence: text.slice(at, at + 120), severity: 'medium' };
}

/** How strange the host of an address is: `hostile` says so itself, `relay` hides whose it is. */
export function addressKind(address: string): 'hostile' | 'relay' | 'number' | 'plain' | null {
  const host = /^[a-z][a-z+.-]*:\/\/(?:[^/@\s]*@)?(\[[^\]]*\]|[^:/?#\s"']+)/i.exec(address)?.[1];
  if (host === undefined) return null;
  if (hostileWords.test(host)) return 'hostile';
  if (relays.test(host)) return 'relay';
  const isNumber = /^(\d{1,3}(\.\d{1,3}){3}|\d{8,10}|0x[0-9a-f]{8})$/i.test(host);
  const isHere = /^(127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host);
  return isNumber && !isHere ? 'number' : 'plain';
}

/** An address that has no place in a description, or null. */
export function embeddedAddress(key: string, text: string): Embedded | null {
  for (const [address] of text
    .slice(0, 65_536)
    .matchAll(/\b(?:https?|ftp|wss?|tcp):\/\/[^\s"'<>)]+/gi)) {
    const kind = addressKind(address);
    if (kind === null) continue;
    const evidence = `${key}: ${address}`;
    if (kind === 'hostile') return { evidence, severity: 'high' };
    if (kind === 'relay' || kind === 'number') return { evidence, severity: 'medium' };
    if (addressKey.test(key) && !pattern('embedded.embeddedAddress').test(address)) {
      return { evidence, severity: 'medium' };
    }
  }
  return null;
}

const blobCharactersMin = 512;

/** A text in base64 that stands for bytes and not for another text, when it is long; or null. */
export function embeddedBlob(text: string): Embedded | null {
  // The mark of a pickle of protocol 2 to 5.
  if (/^gA[I-X][A-Za-z0-9+/]{20,}={0,2}\s*$/.test(text)) {
    return { evidence: `a pickle in base64: ${text.slice(0, 40)}…`, severity: 'medium' };
  }
  if (text.length < blobCharactersMin || !/^[A-Za-z0-9+/_-]+={0,2}\s*$/.test(text)) return null;
  const mixed = [/[a-z]/, /[A-Z]/, /\d/].every((kind) => kind.test(text));
  const bytes = Buffer.from(text.slice(0, blobCharactersMin), 'base64');
  const readable = bytes.every((byte) => byte >= 32 || (byte >= 9 && byte <= 13));
  if (!mixed || readable) return null;
  const evidence = `${text.length} characters of base64: ${text.slice(0, 40)}…`;
  return { evidence, severity: 'medium' };
}
