/** Graphs of TensorFlow as text (`.pbtxt`, protocol buffers in their text format). */
import { type Place, tell } from '../audit.ts';
import { operatorFault } from './operators.ts';

const toldMax = 100;

/** True for a text that has nodes with operators. */
export function looksLikeGraphText(text: string): boolean {
  const lines = text.slice(0, 1 << 16).split('\n');
  const first = lines.find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const begins =
    /^\s*(saved_model_schema_version|meta_graphs|meta_info_def|graph_def|node|library)\b/;
  return begins.test(first) && /\bop\s?:\s?["']/.test(text) && /\bnode(_def)?\s?:?\s?\{/.test(text);
}

/** Audits every operator by its name. */
export function scanGraphText(place: Place, text: string): void {
  const seen = new Set<string>();
  for (const match of text.matchAll(/\bop\s?:\s?["']([A-Za-z_][\w>]{0,200})["']/g)) {
    const [, operator = ''] = match;
    const fault = operatorFault(operator);
    if (fault === null || seen.has(operator) || seen.size > toldMax) continue;
    seen.add(operator);
    const evidence = `${operator} (${fault.why})`;
    tell(place, 'MRL-TFS-001', { evidence, severity: fault.severity, offset: match.index });
  }
}
