/**
 * Audits Python source that comes with a model: handlers, modelling code, TorchScript, notebooks.
 */

import { type Place, tell } from '../audit.ts';
import { attackIn } from '../text/command.ts';
import { pattern } from '../text/pattern.ts';
import { hiddenName, isRemoteCode, replacedBuiltin } from './habits.ts';
import { judgeUse } from './judge.ts';
import { readPython } from './reader.ts';
import type { Use } from './use.ts';
import { textsOf, type Value } from './value.ts';

const nestedMax = 4;
const evidenceMax = 120;

/** True when a text is Python by its statements, whatever its name. */
export function looksLikePython(text: string): boolean {
  const lines = text.slice(0, 1 << 16).split('\n');
  const statement = pattern('scan.statement');
  const found = lines.filter((line) => statement.test(line)).length;
  const written = lines.filter((line) => line.trim() !== '').length;
  return found >= 1 && found * 12 >= Math.min(written, 240);
}

/** Audits a source; texts that it runs are audited in turn. */
export function scanPython(place: Place, source: string, depth = 0, pointer = ''): void {
  const reading = readPython(source);
  const name = place.member === '' ? place.audit.path : place.member;
  const remote = depth === 0 && isRemoteCode.test(name);
  if (depth === 0) scanHabits(place, source, pointer);
  for (const use of reading.uses) {
    const judged = judgeUse(use, depth);
    if (judged !== null) {
      const { rule, why } = judged;
      // Loading the model is enough: nobody is asked whether to run a tool or to unpickle.
      const raised = remote && (rule === 'MRL-PYC-006' || (rule === 'MRL-PYC-002' && use.atImport));
      const severity = raised && judged.severity === 'low' ? 'medium' : judged.severity;
      const evidence = `${pictureOf(use)} (${why})`;
      tell(place, rule, { evidence, severity, ...where(source, use.offset, depth, pointer) });
    }
    if (use.kind === 'called') scanNested(place, use, depth, pointer);
  }
  const chain = reading.inside.map(({ chain: each }) => each.slice(each.lastIndexOf('.') + 1));
  const escapes =
    chain.includes('__subclasses__') && chain.some((name) => /bases?__|mro/.test(name));
  const reaches = chain.some((name) => /globals|builtins|frame/.test(name));
  const [first] = reading.inside;
  if (first !== undefined && (escapes || (reaches && chain.length > 1))) {
    const evidence = `.${chain.slice(0, 4).join('.')} (reaches for the inside of Python)`;
    tell(place, 'MRL-PYC-001', {
      evidence,
      severity: 'high',
      ...where(source, first.offset, depth, pointer),
    });
  }
}

function scanHabits(place: Place, source: string, pointer: string): void {
  const replaced = replacedBuiltin(source);
  if (replaced !== null) {
    const { evidence, offset } = replaced;
    tell(place, 'MRL-PYC-008', { evidence, ...where(source, offset, 0, pointer) });
  }
  const hidden = hiddenName(source);
  if (hidden !== null) {
    const evidence = `${hidden.evidence} (names that hide what they are)`;
    const seen = { evidence, severity: 'medium' } as const;
    tell(place, 'MRL-PYC-001', { ...seen, ...where(source, hidden.offset, 0, pointer) });
  }
}

/** Texts that are run or that hold a command, wherever they stand. */
function scanNested(place: Place, use: Use, depth: number, pointer: string): void {
  if (depth >= nestedMax) return;
  const runs = /^builtins\.(exec|eval|compile)$|^(timeit|cProfile|profile)\./.test(use.path);
  if (!runs) return;
  for (const source of use.args.slice(0, 1).flatMap(textsOf)) {
    scanPython(place, source, depth + 1, pointer === '' ? 'text' : `${pointer}/text`);
    const attack = attackIn(source);
    if (attack !== null) {
      tell(place, 'MRL-PYC-002', { evidence: attack.evidence, severity: 'critical' });
    }
  }
}

function where(source: string, offset: number, depth: number, pointer: string) {
  if (depth > 0) return { pointer: pointer === '' ? 'text' : pointer };
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < offset; at = source.indexOf('\n', at + 1)) {
    line++;
  }
  return { pointer: pointer === '' ? `line ${line}` : `${pointer} line ${line}` };
}

function pictureOf(use: Use): string {
  const name = use.path.replace(/^builtins\./, '');
  if (use.kind === 'handed') return name;
  return `${name}(${use.args.slice(0, 3).map(shown).join(', ')})`.slice(0, evidenceMax);
}

function shown(value: Value): string {
  if (value.kind === 'text') return JSON.stringify(value.text.slice(0, 80));
  if (value.kind === 'number') return value.text;
  if (value.kind === 'list') return `[${value.items.slice(0, 5).map(shown).join(', ')}]`;
  return value.path === '' ? '…' : value.path.replace(/^builtins\./, '');
}
