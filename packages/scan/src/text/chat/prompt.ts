/**
 * Words that a chat template puts into the conversation by itself: what the user never sees, and
 * what a model follows as if its maker had said it.
 */

import { pattern } from '../pattern.ts';
import { type Part, partsOf } from './tags.ts';

/** What is wrong with the words of a template. */
export interface PromptFault {
  readonly severity: 'medium' | 'high';
  readonly evidence: string;
}

const texts = /'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"/g;
/** An expression that is one literal. */
const alone = /^[-+]?\s*(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)")\s*[-+]?$/;
/** A word of the user, and not markup, that an `if` looks for in what was said. */
const trigger = pattern('prompt.trigger');
/** Keys of parts of a message, which a template asks for as well. */
const keys =
  /^(image|image_url|video|audio|text|type|tools?|function|input_audio|thinking|reasoning)$/i;
/** An image or a link whose address the model would write: looking at the answer sends it. */
const drawn = pattern('prompt.drawn');
const address = /\bhttps?:\/\/[^\s"'<>)]+/i;
const asks = pattern('prompt.asks');
const proseWordsMin = 4;
/** Real templates stay below a tenth of it. */
const templateMax = 1 << 18;

/** The faults of a template's words. */
export function promptFaults(template: string): PromptFault[] {
  const found: PromptFault[] = [];
  const parts = [...partsOf(template.slice(0, templateMax))];
  const words = wordsOf(parts);
  const draws = words.find((each) => drawn.test(each));
  if (draws !== undefined) {
    found.push({ severity: 'high', evidence: `makes the model draw an address: ${draws.trim()}` });
  }
  const waits = triggerOf(parts);
  if (waits !== null) {
    const hostile = words.find((each) => asks.test(each) || (isProse(each) && address.test(each)));
    const severity = hostile === undefined ? 'medium' : 'high';
    const what = hostile === undefined ? '' : `, then says: ${hostile.trim()}`;
    found.push({ severity, evidence: `waits for "${waits}" from the user${what}` });
  }
  const last = lastWords(parts);
  if (last !== null) {
    found.push({ severity: 'medium', evidence: `speaks after the conversation: ${last}` });
  }
  return found;
}

function triggerOf(parts: readonly Part[]): string | null {
  for (const { kind, inside } of parts) {
    if (kind !== 'statement' || !/^[-+]?\s*(el)?if\b/.test(inside)) continue;
    const [, word] = trigger.exec(inside) ?? [];
    if (word !== undefined && !keys.test(word)) return word;
  }
  return null;
}

/** Literals in expressions, and what stands between tags. */
function wordsOf(parts: readonly Part[]): string[] {
  return parts.flatMap(({ kind, inside }) => {
    if (kind === 'text') return isProse(inside) ? [inside] : [];
    if (kind === 'statement') return [];
    return [...inside.matchAll(texts)].map(([, single, double]) => single ?? double ?? '');
  });
}

/** Prose that stands alone behind all messages, whatever was said in them. */
function lastWords(parts: readonly Part[]): string | null {
  let depth = 0;
  let seen = false;
  let last: string | null = null;
  for (const { kind, inside } of parts) {
    if (kind === 'text') continue;
    const [word = ''] = kind === 'statement' ? (/[a-z]+/.exec(inside) ?? []) : [];
    if (/^(if|for|macro|call|filter)$/.test(word)) depth++;
    if (/^end(if|for|macro|call|filter)$/.test(word)) depth--;
    if (word === 'endfor') seen = true;
    const [, single, double] = kind === 'expression' ? (alone.exec(inside) ?? []) : [];
    const literal = single ?? double;
    if (seen && depth === 0 && literal !== undefined && isProse(literal)) last = literal;
  }
  return last;
}

function isProse(text: string): boolean {
  return (text.match(/(^|\s)[A-Za-z]{2,}(?=[\s.,!?]|$)/g) ?? []).length >= proseWordsMin;
}
