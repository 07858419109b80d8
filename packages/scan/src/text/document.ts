/**
 * Documents for people and their agents: scripts that act when a page is looked at, advice to give
 * up protection, orders to an agent behind its user's back.
 */
import { type Place, tell } from '../audit.ts';
import { attackIn, isKnownInstaller } from './command.ts';
import { pattern } from './pattern.ts';

const scriptMax = 1 << 20;
const agentNames = pattern('document.agentNames');

/** A script that reads what is private and sends something away, or null. */
export function scriptFault(code: string): string | null {
  const text = code.slice(0, scriptMax);
  const hides = pattern('document.hides').exec(text);
  if (hides !== null) return hides[0];
  const reads = pattern('document.reads').exec(text);
  const sends = pattern('document.sends').exec(text);
  if (reads !== null && sends !== null) return `${reads[0]} … ${sends[0]}`;
  const starts = pattern('document.starts').exec(text);
  return starts === null ? null : starts[0];
}

/** Scripts of a page: in their elements, and in attributes that act by themselves. */
export function scanPage(place: Place, text: string): void {
  const scripts = [
    ...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/gi),
    ...text.matchAll(/\son(?:error|load|click|mouseover|focus)\s*=\s*("[^"]*"|'[^']*')/gi),
  ];
  for (const script of scripts.slice(0, 200)) {
    const fault = scriptFault(script[1] ?? '');
    if (fault === null) continue;
    tell(place, 'MRL-DOC-001', { evidence: fault, offset: script.index });
    return;
  }
}

/** What a document tells its reader, or the reader's agent, to do. */
export function scanAdvice(place: Place, name: string, text: string): void {
  const weakens = pattern('document.weakens').exec(text);
  if (weakens !== null) {
    tell(place, 'MRL-DOC-002', { evidence: weakens[0], offset: weakens.index });
  }
  const pipes = attackIn(text);
  const line = pipes === null ? '' : lineAt(text, pipes.at);
  // What is only shown, as an example of what not to do, has no verb and no real host.
  const isOrder = /^\W*(curl|wget)\b|\b(install|run|paste|execute|set ?up)\b/i.test(line);
  const isPipe = /\b(curl|wget)\b[^|]*\bhttps?:\/\/[^\s/]+\.\w[^|]*\|.*sh\b/.test(line);
  if (isOrder && isPipe && !isKnownInstaller(line)) {
    tell(place, 'MRL-DOC-002', { evidence: line.trim(), offset: pipes?.at ?? 0 });
  }
  if (!agentNames.test(name)) return;
  const orders = pattern('document.orders').exec(text);
  if (orders !== null) tell(place, 'MRL-DOC-003', { evidence: orders[0], offset: orders.index });
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end);
}
