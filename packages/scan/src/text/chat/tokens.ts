/** Tokens that a tokenizer adds to those it learned: what they are is for its maker to say. */
import { isJsonObject, type JsonObject } from '@merlon/core';
import { type Place, tell } from '../../audit.ts';

const toldMax = 10;
/** Marks that turn the direction of writing, and spaces that nobody sees. */
const unseen = /[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff]/;
const orders =
  /ignore\W{0,3}_?(all\W{0,3}_?)?(previous|prior)\W{0,3}_?instructions|jailbreak|developer\W?mode/i;

/** Audits the list `added_tokens` of a `tokenizer.json`. */
export function scanAddedTokens(place: Place, value: JsonObject, pointer: string): void {
  const { added_tokens: added } = value;
  if (!Array.isArray(added)) return;
  const contents = new Map<number, string>();
  let told = 0;
  for (const [index, token] of added.entries()) {
    if (!isJsonObject(token)) continue;
    const { id, content } = token;
    if (typeof content !== 'string' || typeof id !== 'number') continue;
    const other = contents.get(id);
    contents.set(id, content);
    const why = faultOf(content, other);
    if (why === null || ++told > toldMax) continue;
    const evidence = `${JSON.stringify(content)} (${why})`;
    tell(place, 'MRL-TOK-001', { evidence, pointer: `${pointer}/added_tokens/${index}` });
  }
}

function faultOf(content: string, other: string | undefined): string | null {
  if (other !== undefined && other !== content) return 'its number stands for another token too';
  if (content.length > 1 && unseen.test(content)) return 'holds signs that nobody sees';
  return orders.test(content) ? 'reads as an order to the model' : null;
}
