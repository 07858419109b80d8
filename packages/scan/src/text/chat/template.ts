/**
 * Chat templates (Jinja): finds expressions that reach for Python objects. Expressions are read as
 * tokens, so that words in the text of a prompt mean nothing, and literals are put together as the
 * template would, so that a name in pieces is still a name.
 */
import { addressKind } from '../embedded.ts';
import { isOutside } from '../path.ts';
import { promptFaults } from './prompt.ts';
import { partsOf } from './tags.ts';

/** What a template does that it should not. */
export interface TemplateFault {
  readonly grave: boolean;
  readonly evidence: string;
  /** Instead of the rule's own. */
  readonly severity?: 'high';
}

/** What is wrong with an expression. */
interface Fault {
  readonly grave: boolean;
  readonly why: string;
  readonly severity?: 'high';
}

interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'sign';
  readonly text: string;
}

const tokenPattern =
  /([A-Za-z_]\w*)|'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"|(\d[\d_.]*)|(\S)/g;
const faultsMax = 10;
const tagsMax = 20_000;
const rangeMax = 1_000_000;

/** Attributes that lead from any object to the interpreter. */
const graveAttributes = new Set([
  'mro',
  'subclasses',
  'func_globals',
  'gi_frame',
  'gi_code',
  'cr_frame',
  'f_globals',
  'f_builtins',
  'f_locals',
  'environ',
  'popen',
  'system',
  'eval',
  'exec',
  'builtins',
  'import_module',
  'getattr',
]);
/** Objects that template engines and web frameworks put in reach. */
const graveNames = new Set([
  'cycler',
  'joiner',
  'lipsum',
  'self',
  'config',
  'request',
  'session',
  'url_for',
  'get_flashed_messages',
  'os',
  'sys',
  'subprocess',
  'importlib',
  'builtins',
]);
/** Functions of Python that no template is given for good. */
const graveCalls = new Set([
  'eval',
  'exec',
  'open',
  'compile',
  'getattr',
  'setattr',
  'vars',
  'dir',
]);
/** Filters and methods that put a text together. */
const builds = new Set(['format', 'join', 'reverse', 'replace']);
const oddStatements = new Set(['include', 'import', 'from', 'extends']);

/** True when a text has template tags at all. */
export function hasTemplate(text: string): boolean {
  return /\{\{|\{%/.test(text);
}

/** The faults of a template, at most ten. */
export function templateFaults(text: string): TemplateFault[] {
  const faults: TemplateFault[] = [];
  let count = 0;
  const loops: number[] = [];
  for (const { kind, inside, whole } of partsOf(text)) {
    if (kind === 'text') continue;
    if (++count > tagsMax || faults.length >= faultsMax) break;
    const tokens = tokenize(inside);
    const found = faultOf(tokens, kind === 'statement') ?? nestFault(tokens, kind, loops);
    if (found === null) continue;
    const { why, ...more } = found;
    faults.push({ ...more, evidence: `${why}: ${whole}` });
  }
  const strange = strangeAddress(text);
  if (strange !== null) faults.push({ grave: false, evidence: `names ${strange}` });
  for (const { severity, evidence } of promptFaults(text)) {
    faults.push({ grave: false, evidence, ...(severity === 'high' ? { severity } : {}) });
  }
  return faults;
}

/** An address in a prompt that tells the model, or its reader, to go somewhere. */
function strangeAddress(text: string): string | null {
  for (const [address] of text.matchAll(/\b(?:https?|ftp|wss?):\/\/[^\s"'<>)}\\]+/gi)) {
    const kind = addressKind(address);
    if (kind !== null && kind !== 'plain') return address;
  }
  return null;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, name, single, double, number, sign] of text.matchAll(tokenPattern)) {
    if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign });
    else tokens.push({ kind: 'text', text: unescapeText(single ?? double ?? '') });
  }
  return tokens;
}

function faultOf(tokens: readonly Token[], statement: boolean): Fault | null {
  // What only prints a text reaches for nothing, whatever the text says.
  if (!statement && tokens.length === 1 && tokens[0]?.kind === 'text') return null;
  const texts = tokens.filter((token) => token.kind === 'text').map((token) => token.text);
  const joined = texts.join('');
  const dunder = /__[a-z]/;
  if (texts.some((text) => dunder.test(text)) || dunder.test(joined)) {
    return { grave: true, why: 'names a hidden attribute' };
  }
  const names = tokens.flatMap((token, i) =>
    token.kind === 'name' ? (nameFault(tokens, i, token.text) ?? []) : [],
  );
  const worst = names.find((found) => found.grave) ?? names[0];
  if (worst !== undefined) return worst;
  const [first] = tokens.filter((token) => token.text !== '-' && token.text !== '+');
  if (statement && first !== undefined && oddStatements.has(first.text)) {
    const named = texts.some(isOutside) ? ({ severity: 'high' } as const) : {};
    return { grave: false, why: 'loads another template', ...named };
  }
  return bombOf(tokens);
}

function nameFault(tokens: readonly Token[], i: number, name: string): Fault | null {
  const before = tokens[i - 1]?.text;
  const after = tokens[i + 1]?.text;
  const isAttribute = before === '.' && tokens[i - 1]?.kind === 'sign';
  const isFilter = before === '|';
  const isHidden = /^__\w+/.test(name) || (isAttribute && /__[A-Za-z]/.test(name));
  if (isHidden) return { grave: true, why: 'uses a hidden attribute' };
  if (isAttribute && /^_[a-z]/.test(name)) return { grave: false, why: 'uses a private attribute' };
  if (isAttribute && graveAttributes.has(name)) return { grave: true, why: 'leaves the template' };
  if (isFilter && name === 'attr') {
    // Whoever puts the name together hides which one it is.
    const isBuilt = tokens
      .slice(i + 1)
      .some(({ kind, text }) => kind === 'name' && builds.has(text));
    return { grave: isBuilt, why: 'takes an attribute by its text' };
  }
  if (isAttribute || isFilter) return null;
  const reaches = after === '.' || after === '[' || after === '|';
  if (graveNames.has(name) && reaches && tokens[i + 1]?.kind === 'sign') {
    return { grave: name !== 'config' && name !== 'self', why: 'uses an object of the engine' };
  }
  const isCall = after === '(' && before !== 'macro' && before !== 'call';
  if (isCall && name === 'debug') return { grave: false, why: 'shows what the engine holds' };
  return isCall && graveCalls.has(name) ? { grave: true, why: 'calls Python' } : null;
}

/** Loops in loops, each of a few thousand rounds, are as endless as one of a million. */
function nestFault(tokens: readonly Token[], kind: string, loops: number[]): Fault | null {
  if (kind !== 'statement') return null;
  const words = tokens.map(({ text }) => text);
  if (words.includes('endfor')) loops.pop();
  if (!words.includes('for')) return null;
  const at = words.indexOf('range');
  const rounds =
    at < 0 ? 1 : Math.max(1, ...words.slice(at + 2, at + 7).map((each) => Number(each) || 1));
  loops.push(rounds);
  return loops.reduce((product, each) => product * each, 1) > rangeMax ? endless : null;
}

/** Whoever renders the template waits for ever, or runs out of memory. */
const endless: Fault = { grave: false, why: 'counts without end', severity: 'high' };

function bombOf(tokens: readonly Token[]): Fault | null {
  for (const [i, token] of tokens.entries()) {
    const isPower = token.text === '*' && tokens[i + 1]?.text === '*';
    const power = isPower ? Number(tokens[i - 1]?.text) ** Number(tokens[i + 2]?.text) : 0;
    if (power > rangeMax) return endless;
    const copies = token.text === '*' ? Number(tokens[i + 1]?.text) || 0 : 0;
    if (copies > rangeMax * 100) return endless;
    if (token.text !== 'range' || tokens[i + 1]?.text !== '(') continue;
    const huge = tokens.slice(i + 2, i + 8).some((each) => Number(each.text) > rangeMax);
    if (huge) return endless;
  }
  const codes = tokens.filter((token, i) => token.kind === 'number' && isCode(tokens, i));
  const built = tokens.some((token) => token.text === 'chr' || /%c|\{:c\}/.test(token.text));
  return built && codes.length > 0 ? { grave: false, why: 'builds a text from codes' } : null;
}

function isCode(tokens: readonly Token[], i: number): boolean {
  const value = Number(tokens[i]?.text);
  return Number.isInteger(value) && value >= 32 && value < 127;
}

function unescapeText(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{3})/g, (_, code: string) => {
    const octal = /^[0-7]/.test(code);
    return String.fromCharCode(Number.parseInt(octal ? code : code.slice(1), octal ? 8 : 16));
  });
}
