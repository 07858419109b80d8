/**
 * Habits of a source as a whole: functions of Python that it replaces for everybody, names that
 * hide what they are, code that runs with every load of a model.
 */
import { pattern } from '../text/pattern.ts';
import { type Token, tokensOf } from './token.ts';

/** Files that loading a model runs, when its configuration names them. */
export const isRemoteCode: RegExp = pattern('habits.remoteCode');

/** Functions that the whole of Python relies on; `print` is silenced by many a training script. */
const reliedOn =
  /^(open|__import__|exec|eval|compile|getattr|setattr|input|__build_class__|isinstance)$/;
const hiddenNames = [/\b_0x[0-9a-f]{1,8}\b/g, /\b[lIO][lI1O0]{7,}\b/g];
const hiddenMin = 3;

/** A place of a source, with what shows it. */
export interface Habit {
  readonly evidence: string;
  readonly offset: number;
}

/** The first built-in function that the source replaces, or null. */
export function replacedBuiltin(source: string): Habit | null {
  if (!/builtin/.test(source)) return null;
  const tokens = tokensOf(source);
  const modules = namesOf(tokens);
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'name' || !modules.has(token.text)) continue;
    const [dot, name, sign] = tokens.slice(i + 1, i + 4).map(({ text }) => text);
    const whole = name ?? '';
    if (dot === '.' && sign === '=' && reliedOn.test(whole)) {
      return { evidence: `builtins.${whole} = …`, offset: token.offset };
    }
    if (dot === '[' && reliedOn.test(whole) && tokens[i + 4]?.text === '=' && sign === ']') {
      return { evidence: `builtins[${whole}] = …`, offset: token.offset };
    }
    const [comma, text] = [dot, tokens[i + 2]];
    const sets = tokens[i - 1]?.text === '(' && tokens[i - 2]?.text === 'setattr';
    if (sets && comma === ',' && text?.kind === 'text' && reliedOn.test(text.text)) {
      return { evidence: `setattr(builtins, ${text.text})`, offset: token.offset };
    }
  }
  return null;
}

/** Names by which the module of built-in functions goes. */
function namesOf(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set(['builtins', '__builtins__', '__builtin__']);
  for (const [i, { text }] of tokens.entries()) {
    const alias = tokens[i + 2];
    if (
      /^(builtins|__builtin__)$/.test(text) &&
      tokens[i + 1]?.text === 'as' &&
      alias !== undefined
    ) {
      names.add(alias.text);
    }
  }
  return names;
}

/** Names that a program made so that nobody reads them, or null. */
export function hiddenName(source: string): Habit | null {
  for (const form of hiddenNames) {
    const found = [...source.slice(0, 1 << 20).matchAll(form)];
    const names = new Set(found.map(([name]) => name));
    const [first] = found;
    if (first !== undefined && names.size >= hiddenMin) {
      return { evidence: [...names].slice(0, 4).join(', '), offset: first.index };
    }
  }
  return null;
}
