/**
 * Documents for people and their agents: scripts that act when a page is looked at, advice to give
 * up protection, orders to an agent behind its user's back.
 */
import { type Place, tell } from '../audit.ts';
import { attackIn, isKnownInstaller } from './command.ts';
import { pattern } from './pattern.ts';

const scriptMax = 1 << 20;
const scriptsMax = 200;
const lineMax = 4000;
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
  const acting = /\son(?:error|load|click|mouseover|focus)\s?=\s?("[^"]*"|'[^']*')/gi;
  const scripts = [
    ...scriptsOf(text),
    ...[...text.matchAll(acting)].slice(0, scriptsMax).map(({ 1: code = '', index }) => {
      return { code, at: index };
    }),
  ];
  for (const { code, at } of scripts) {
    const fault = scriptFault(code);
    if (fault === null) continue;
    tell(place, 'MRL-DOC-001', { evidence: fault, offset: at });
    return;
  }
}

/** What stands in the elements; one that is never closed goes on to the end. */
function scriptsOf(text: string): { readonly code: string; readonly at: number }[] {
  const lower = text.toLowerCase();
  const found: { code: string; at: number }[] = [];
  for (let at = lower.indexOf('<script'); at >= 0 && found.length < scriptsMax; ) {
    const from = lower.indexOf('>', at);
    if (from < 0) break;
    const close = lower.indexOf('</script', from);
    const end = close < 0 ? text.length : close;
    found.push({ code: text.slice(from + 1, Math.min(end, from + scriptMax)), at });
    at = lower.indexOf('<script', end);
  }
  return found;
}

/** What a document tells its reader, or the reader's agent, to do. */
export function scanAdvice(place: Place, name: string, text: string): void {
  const weakens = pattern('document.weakens').exec(text);
  if (weakens !== null) {
    tell(place, 'MRL-DOC-002', { evidence: weakens[0], offset: weakens.index });
  }
  scanPipes(place, text);
  if (!agentNames.test(name)) return;
  const orders = pattern('document.orders').exec(text);
  if (orders !== null) tell(place, 'MRL-DOC-003', { evidence: orders[0], offset: orders.index });
}

/** A download that is handed to a shell, where the reader is told to do it. */
function scanPipes(place: Place, text: string): void {
  for (const match of text.matchAll(/^.*\b(?:curl|wget)\b.*$/gm)) {
    const line = match[0].slice(0, lineMax);
    // What is only shown, as an example of what not to do, has no verb and no real host.
    const isOrder = /^\W*(curl|wget)\b|\b(install|run|paste|execute|set ?up)\b/i.test(line);
    const isPipe = /\bhttps?:\/\/[^\s/]+\.\w/.test(line) && /\|[^|]*sh\b/.test(line);
    if (!isOrder || !isPipe || attackIn(line) === null || isKnownInstaller(line)) continue;
    tell(place, 'MRL-DOC-002', { evidence: line.trim(), offset: match.index });
    return;
  }
}
