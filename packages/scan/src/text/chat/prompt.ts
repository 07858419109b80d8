/**
 * Words that a chat template puts into the conversation by itself: what the user never sees, and
 * what a model follows as if its maker had said it.
 */

import { pattern } from '../pattern.ts';

/** What is wrong with the words of a template. */
export interface PromptFault {
  readonly severity: 'medium' | 'high';
  readonly evidence: string;
}

const tags = /\{\{([\s\S]*?)\}\}|\{%([\s\S]*?)%\}/g;
const texts = /'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"/g;
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

/** The faults of a template's words. */
export function promptFaults(template: string): PromptFault[] {
  const found: PromptFault[] = [];
  const words = wordsOf(template);
  const draws = words.find((each) => drawn.test(each));
  if (draws !== undefined) {
    found.push({ severity: 'high', evidence: `makes the model draw an address: ${draws.trim()}` });
  }
  const waits = triggerOf(template);
  if (waits !== null) {
    const hostile = words.find((each) => asks.test(each) || (isProse(each) && address.test(each)));
    const severity = hostile === undefined ? 'medium' : 'high';
    const what = hostile === undefined ? '' : `, then says: ${hostile.trim()}`;
    found.push({ severity, evidence: `waits for "${waits}" from the user${what}` });
  }
  const last = lastWords(template);
  if (last !== null) {
    found.push({ severity: 'medium', evidence: `speaks after the conversation: ${last}` });
  }
  return found;
}

function triggerOf(template: string): string | null {
  for (const [, , statement = ''] of template.matchAll(tags)) {
    if (!/^[-+]?\s*(el)?if\b/.test(statement)) continue;
    const [, word] = trigger.exec(statement) ?? [];
    if (word !== undefined && !keys.test(word)) return word;
  }
  return null;
}

/** Literals in expressions, and what stands between tags. */
function wordsOf(template: string): string[] {
  const inside = [...template.matchAll(tags)].flatMap(([, expression = '']) =>
    [...expression.matchAll(texts)].map(([, single, double]) => single ?? double ?? ''),
  );
  return [...inside, ...template.split(tags).filter((each) => each !== undefined && isProse(each))];
}

/** Prose that stands alone behind all messages, whatever was said in them. */
function lastWords(template: string): string | null {
  let depth = 0;
  let seen = false;
  let last: string | null = null;
  for (const [, expression, statement = ''] of template.matchAll(tags)) {
    const [word = ''] = /[a-z]+/.exec(statement) ?? [];
    if (/^(if|for|macro|call|filter)$/.test(word)) depth++;
    if (/^end(if|for|macro|call|filter)$/.test(word)) depth--;
    if (word === 'endfor') seen = true;
    const [, single, double] =
      /^[-+]?\s*(?:'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)")\s*[-+]?$/.exec(
        expression ?? '',
      ) ?? [];
    const literal = single ?? double;
    if (seen && depth === 0 && literal !== undefined && isProse(literal)) last = literal;
  }
  return last;
}

function isProse(text: string): boolean {
  return (text.match(/(^|\s)[A-Za-z]{2,}(?=[\s.,!?]|$)/g) ?? []).length >= proseWordsMin;
}
