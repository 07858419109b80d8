/** Audits texts: JSON and YAML configurations, program text, templates, tables, documents. */
import { isJsonObject } from '@merlon/core';
import { giveUp, notUnderstood, type Place, tell } from '../audit.ts';
import { looksLikePython, scanPython } from '../python/scan.ts';
import { looksLikeGraphText, scanGraphText } from '../tensorflow/text.ts';
import { attackIn } from './command.ts';
import { scanConfiguration, scanTemplate } from './configuration.ts';
import { scanAdvice, scanPage, scriptFault } from './document.ts';
import { scanFlavors, scanFormulas, scanLogging } from './files.ts';
import { parseJson } from './json.ts';
import { scanEncoded } from './nested.ts';
import { isNotebook, scanNotebook } from './notebook.ts';
import { looksLikeRequirements, scanRequirements } from './requirements.ts';
import { scanSecrets } from './secrets.ts';
import { scanStartup } from './startup.ts';
import { looksLikeXml, scanXml } from './xml.ts';
import { scanYaml } from './yaml.ts';

/** Kinds of text. */
export type TextFormat =
  | 'json'
  | 'yaml'
  | 'csv'
  | 'text'
  | 'python'
  | 'script'
  | 'requirements'
  | 'xml'
  | 'lightgbm'
  | 'template';

/** All kinds, for readers that tell texts from the rest. */
export const textFormats: ReadonlySet<string> = new Set<TextFormat>([
  'json',
  'yaml',
  'csv',
  'text',
  'python',
  'script',
  'requirements',
  'xml',
  'lightgbm',
  'template',
]);

const pieceBytes = 1 << 20;
const overlapCharacters = 4096;
const scriptNames = /\.(sh|bash|zsh|ps1|psm1|bat|cmd|js|mjs|cjs|rb|pl|php|vbs|lua|r|hta)$/i;
const documentNames =
  /\.(md|rst|txt|html?|css|tex|log|license|cff|bib)$|(^|[/\\])(README|LICENSE|NOTICE)[^/\\]*$/i;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of bytes that are one, or null; `cut` bytes may end within a character. */
export function asText(bytes: Uint8Array, cut: boolean): string | null {
  const wide = wideDecoder(bytes);
  if (wide !== null) {
    const text = decoded(bytes.subarray(0, bytes.length - (cut ? bytes.length % 2 : 0)), wide, cut);
    return text === null || hasControls(text) ? null : text;
  }
  for (let drop = 0; drop <= (cut ? 3 : 0); drop++) {
    const text = decoded(bytes.subarray(0, bytes.length - drop), decoder, false);
    if (text === null) continue;
    return hasControls(text) ? null : text;
  }
  return null;
}

/**
 * The decoder of UTF-16, which parsers of XML and editors take: by the mark at its beginning, or by
 * the zeros of a sign that such texts begin with.
 */
function wideDecoder([first, second, third, fourth]: Uint8Array): TextDecoder | null {
  const opens = (byte: number | undefined): boolean => byte === 0x3c || byte === 0x7b;
  const little =
    (first === 0xff && second === 0xfe) || (opens(first) && second === 0 && fourth === 0);
  const big = (first === 0xfe && second === 0xff) || (first === 0 && opens(second) && third === 0);
  if (!little && !big) return null;
  return new TextDecoder(little ? 'utf-16le' : 'utf-16be', { fatal: true, ignoreBOM: true });
}

/** Which kind of text it is, by its content first and its name second. */
export function textFormat(text: string, name: string): TextFormat {
  if (/^\uFEFF?\s*[{[]/.test(text) && !/^\s*\{[{%#]/.test(text)) {
    const isJson = /^\uFEFF?\s*(\{\s*("|\})|\[\s*(["{[\]\d-]|true|null))/.test(text);
    if (isJson || /\.(json|ipynb|index)$/i.test(name)) return 'json';
  }
  if (looksLikeXml(text)) return 'xml';
  if (/^tree\r?\n(version=|num_class=)/.test(text)) return 'lightgbm';
  if (/^#!.*\bpython/.test(text) || /\.pyw?$/i.test(name)) return 'python';
  if (text.startsWith('#!') || scriptNames.test(name)) return 'script';
  if (looksLikeRequirements(text, name)) return 'requirements';
  const isDocument = isDocumentName(name);
  if (/\.ya?ml$/i.test(name) || (!isDocument && /^(---\s*\n|%YAML |%TAG )/.test(text))) {
    return 'yaml';
  }
  if (/\.(j2|jinja2?|template|tpl)$/i.test(name)) return 'template';
  if (/\.(csv|tsv)$/i.test(name)) return 'csv';
  return !isDocument && looksLikePython(text) ? 'python' : 'text';
}

/** True for the names of what people read. */
function isDocumentName(name: string): boolean {
  return documentNames.test(name);
}

/** Audits a text as a whole. */
export async function scanText(place: Place, format: TextFormat): Promise<void> {
  const { limits } = place.audit;
  if (place.source.size > limits.textBytesMax) {
    if (format === 'json') giveUp(place, `JSON of more than ${limits.textBytesMax} bytes`);
    else if (format === 'python') giveUp(place, `source of more than ${limits.textBytesMax} bytes`);
    else await scanLongText(place, format);
    return;
  }
  const text = asText(await place.source.read(0, place.source.size), false);
  if (text === null) {
    notUnderstood(place, 'begins as a text and goes on as something else');
    return;
  }
  scanSecrets(place, text);
  await scanEncoded(place, text, format === 'json');
  if (format === 'json') scanJson(place, text);
  else if (format === 'python') scanPython(place, text);
  else if (format === 'requirements') scanRequirements(place, text);
  else scanPlain(place, text, format);
}

/** A text that is too long to be held: read piece by piece, each with the end of the last. */
async function scanLongText(place: Place, format: TextFormat): Promise<void> {
  const { source } = place;
  const stream = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let last = '';
  for (let at = 0; at < source.size; at += pieceBytes) {
    const piece = await source.read(at, pieceBytes);
    const text = decoded(piece, stream, at + piece.length < source.size);
    if (text === null || hasControls(text)) {
      notUnderstood(place, 'begins as a text and goes on as something else');
      return;
    }
    scanPlain(place, last + text, format);
    last = text.slice(-overlapCharacters);
  }
}

function scanJson(place: Place, text: string): void {
  const parsed = parseJson(text);
  if (parsed === null) {
    scanLines(place, text);
    return;
  }
  for (const pointer of parsed.duplicates) {
    tell(place, 'MRL-JSN-001', { evidence: pointer, pointer });
  }
  const { value } = parsed;
  if (isJsonObject(value) && isNotebook(value)) scanNotebook(place, value);
  else scanConfiguration(place, value);
}

/** One document a line, or none at all. */
function scanLines(place: Place, text: string): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const parsed = lines.length > 1 ? lines.map((line) => parseJson(line)) : [];
  if (parsed.length > 0 && parsed.every((line) => line !== null)) {
    for (const line of parsed) if (line !== null) scanConfiguration(place, line.value);
    return;
  }
  scanPlain(place, text, 'text');
  notUnderstood(place, 'begins as JSON but is none');
}

function scanPlain(place: Place, text: string, format: TextFormat): void {
  const name = place.member === '' ? place.audit.path : place.member;
  if (format === 'csv') scanFormulas(place, text);
  else {
    scanStartup(place, name, text);
    scanFlavors(place, text);
    scanLogging(place, text);
  }
  if (/\.(html?|xhtml|svg|md)$/i.test(name) || /^\s*<(!DOCTYPE html|html)\b/i.test(text)) {
    scanPage(place, text);
  }
  if (isDocumentName(name)) scanAdvice(place, name, text);
  if (format !== 'csv' && format !== 'lightgbm') scanTemplate(place, text);
  if (looksLikeGraphText(text)) scanGraphText(place, text);
  const attack = format === 'lightgbm' ? attackIn(text) : null;
  if (attack !== null) {
    tell(place, 'MRL-CFG-002', { evidence: attack.evidence, offset: attack.at });
  }
  if (format === 'xml') scanXml(place, text);
  else if (format === 'script') scanScript(place, text);
  else if (format !== 'csv') scanYaml(place, text);
}

/** Programs of other languages: only what attacks look like is told, so they are never clean. */
function scanScript(place: Place, text: string): void {
  notUnderstood(place, 'a program of another language than Python');
  const name = place.member === '' ? place.audit.path : place.member;
  const fault = /\.[cm]?js$/i.test(name) ? scriptFault(text) : null;
  if (fault !== null) tell(place, 'MRL-PYC-002', { evidence: fault, severity: 'high' });
  const attack = attackIn(text);
  if (attack === null) return;
  tell(place, 'MRL-PYC-002', { evidence: attack.evidence, offset: attack.at, severity: 'high' });
}

function hasControls(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these make a file no text
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
}

function decoded(bytes: Uint8Array, by: TextDecoder, stream: boolean): string | null {
  try {
    return by.decode(bytes, { stream });
  } catch {
    return null;
  }
}
