/** Audits texts: JSON and YAML configurations, templates, tables, documents. */
import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { giveUp, notUnderstood, type Place, tell } from '../audit.ts';
import { classify } from '../policy/classify.ts';
import { parseJson } from './json.ts';
import { hasTemplate, templateFaults } from './template.ts';

/** Kinds of text. */
export type TextFormat = 'json' | 'yaml' | 'csv' | 'text' | 'script' | 'template';

const valuesMax = 5_000_000;
const pieceBytes = 1 << 20;
const overlapCharacters = 4096;
const scriptNames = /\.(py|pyw|sh|bash|ps1|bat|cmd|js|mjs|rb|pl|php|vbs|lua|r)$/i;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of bytes that are one, or null; `cut` bytes may end within a character. */
export function asText(bytes: Uint8Array, cut: boolean): string | null {
  for (let drop = 0; drop <= (cut ? 3 : 0); drop++) {
    const text = decoded(bytes.subarray(0, bytes.length - drop), decoder, false);
    if (text === null) continue;
    return hasControls(text) ? null : text;
  }
  return null;
}

/** Which kind of text it is, by its content first and its name second. */
export function textFormat(text: string, name: string): TextFormat {
  if (/^\s*[{[]/.test(text) && !/^\s*\{[{%#]/.test(text)) {
    if (
      /\.(json|ipynb|index)$/i.test(name) ||
      /^\s*(\{\s*("|\})|\[\s*(["{[\]\d-]|true|null))/.test(text)
    ) {
      return 'json';
    }
  }
  if (text.startsWith('#!') || scriptNames.test(name)) return 'script';
  if (/\.ya?ml$/i.test(name)) return 'yaml';
  if (/\.(j2|jinja2?|template|tpl)$/i.test(name)) return 'template';
  if (/\.(csv|tsv)$/i.test(name)) return 'csv';
  return 'text';
}

/** Audits a text as a whole. */
export async function scanText(place: Place, format: TextFormat): Promise<void> {
  const { limits } = place.audit;
  if (format === 'script') {
    notUnderstood(place, 'program text is not audited');
    return;
  }
  if (place.source.size > limits.textBytesMax) {
    if (format === 'json') giveUp(place, `JSON of more than ${limits.textBytesMax} bytes`);
    else await scanLongText(place);
    return;
  }
  const text = asText(await place.source.read(0, place.source.size), false);
  if (text === null) {
    notUnderstood(place, 'begins as a text and goes on as something else');
    return;
  }
  if (format === 'json') scanJson(place, text);
  else scanPlain(place, text);
}

/** A text that is too long to be held: read piece by piece, each with the end of the last. */
async function scanLongText(place: Place): Promise<void> {
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
    scanPlain(place, last + text);
    last = text.slice(-overlapCharacters);
  }
}

/** Audits a template that stands somewhere inside a file. */
export function scanTemplate(place: Place, text: string, pointer?: string): void {
  if (!hasTemplate(text)) return;
  for (const { grave, evidence } of templateFaults(text)) {
    const where = pointer === undefined ? {} : { pointer };
    tell(place, grave ? 'MRL-TPL-001' : 'MRL-TPL-002', { evidence, ...where });
  }
}

/** Audits a configuration that is already read, such as a header. */
export function scanConfiguration(place: Place, root: Json): void {
  let count = 0;
  const walk = (value: Json | undefined, pointer: string): void => {
    if (value === undefined || ++count > valuesMax) return;
    if (typeof value === 'string') scanTemplate(place, value, pointer);
    if (typeof value !== 'object') return;
    else if (Array.isArray(value))
      for (const [i, each] of value.entries()) walk(each, `${pointer}/${i}`);
    else if (isJsonObject(value)) {
      scanObject(place, value, pointer);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${pointer}/${key}`);
    }
  };
  walk(root, '');
  if (count > valuesMax) giveUp(place, `more than ${valuesMax} values`);
}

function scanJson(place: Place, text: string): void {
  const parsed = parseJson(text);
  if (parsed === null) {
    scanPlain(place, text);
    notUnderstood(place, 'begins as JSON but is none');
    return;
  }
  for (const pointer of parsed.duplicates) {
    tell(place, 'MRL-JSN-001', { evidence: pointer, pointer });
  }
  scanConfiguration(place, parsed.value);
}

function scanObject(place: Place, value: JsonObject, pointer: string): void {
  const remote = isJsonObject(value.auto_map) || value.trust_remote_code === true;
  if (remote) {
    const evidence = JSON.stringify(value.auto_map ?? { trust_remote_code: true });
    tell(place, 'MRL-JSN-002', { evidence, pointer });
  }
  if (value.class_name === 'Lambda' || value.class_name === '__lambda__') {
    tell(place, 'MRL-JSN-003', { evidence: 'class_name "Lambda"', pointer });
  }
  const named = namedObject(value);
  if (named !== null && classify(named.module, named.name, 'ml').kind === 'dangerous') {
    const evidence = `${named.module}.${named.name}`;
    tell(place, 'MRL-JSN-003', { evidence, pointer, cve: ['CVE-2025-1550'] });
  }
}

/** Objects that a loader looks up by name: Keras (`module`, `class_name`), Hydra (`_target_`). */
function namedObject(value: JsonObject): { module: string; name: string } | null {
  const { module, class_name: className, _target_: target } = value;
  if (typeof module === 'string' && typeof className === 'string') {
    // Keras' own functions are found under this module; it holds no class of Python's.
    const name = className === 'function' ? String(value.config) : className;
    return { module, name };
  }
  if (typeof target !== 'string' || !target.includes('.')) return null;
  const dot = target.lastIndexOf('.');
  return { module: target.slice(0, dot), name: target.slice(dot + 1) };
}

function scanPlain(place: Place, text: string): void {
  scanTemplate(place, text);
  const tag = /!(<tag:yaml\.org,2002:|!)python\/\S+|^%TAG\s.*$/m.exec(text);
  if (tag !== null) tell(place, 'MRL-YML-001', { evidence: tag[0], offset: tag.index });
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
