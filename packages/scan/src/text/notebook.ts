/** Jupyter notebooks (nbformat 4): their cells are programs, their outputs may be as well. */
import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { type Place, tell } from '../audit.ts';
import { scanPython } from '../python/scan.ts';
import { attackIn, commandKind } from './command.ts';
import { scriptFault } from './document.ts';
import { pattern } from './pattern.ts';
import { scanRequirement } from './requirements.ts';

/** True for the shape of a notebook. */
export function isNotebook(value: JsonObject): boolean {
  return Array.isArray(value.cells) && typeof value.nbformat === 'number';
}

/** Audits every cell. */
export function scanNotebook(place: Place, notebook: JsonObject): void {
  const cells = Array.isArray(notebook.cells) ? notebook.cells : [];
  for (const [index, cell] of cells.entries()) {
    if (!isJsonObject(cell)) continue;
    const pointer = `cells/${index}`;
    const source = textOf(cell.source);
    if (cell.cell_type === 'code') scanCell(place, source, pointer);
    else scanMarkup(place, source, pointer);
    for (const output of Array.isArray(cell.outputs) ? cell.outputs : []) {
      if (!isJsonObject(output) || !isJsonObject(output.data)) continue;
      const { data } = output;
      const html = textOf(data['application/javascript']) + textOf(data['text/html']);
      if (/<script[^>]*src\s*=\s*["']https?:|document\.cookie|fetch\(\s*["']https?:/.test(html)) {
        tell(place, 'MRL-NBK-001', { evidence: html.slice(0, 120), pointer, severity: 'medium' });
      }
      scanOutput(place, html, pointer);
    }
  }
}

/** What a stored output does when a trusted notebook is opened, before any cell is run. */
function scanOutput(place: Place, html: string, pointer: string): void {
  const isScript = /<script|\bon(error|load)\s*=|kernel\.execute/i.test(html);
  const fault = isScript ? scriptFault(html) : null;
  if (fault !== null) tell(place, 'MRL-NBK-001', { evidence: fault, pointer, severity: 'high' });
  for (const [, address = ''] of html.matchAll(
    /<iframe\b[^>]{0,400}\ssrc\s*=\s*["']?(https?:[^"'\s>]+)/gi,
  )) {
    if (pattern('notebook.frames').test(address)) continue;
    tell(place, 'MRL-NBK-001', { evidence: address, pointer, severity: 'medium' });
  }
}

function scanCell(place: Place, source: string, pointer: string): void {
  const lines = source.split('\n');
  const isShell = /^%%(bash|sh|script|cmd|system)/.test(source);
  const commands = isShell ? [source] : lines.filter((line) => /^\s*[!%]/.test(line));
  for (const command of commands) {
    const attack = attackIn(command);
    const bare = command.replace(/^\s*[!%]+(sx|system)?\s*/, '');
    for (const [link] of bare.matchAll(/\bgit\+\w+:\/\/\S+/g)) {
      if (/^(python3? -m )?(pip|uv pip|pip3) install\b/.test(bare)) {
        scanRequirement(place, link.replace(/['"]$/, ''), pointer);
      }
    }
    if (attack !== null || commandKind(bare) === 'attack') {
      tell(place, 'MRL-NBK-001', { evidence: attack?.evidence ?? bare, pointer });
    } else if (
      /^(pip|conda) install[^\n]*(--extra-index-url|--index-url|-i|--trusted-host)\s+http/.test(
        bare,
      )
    ) {
      tell(place, 'MRL-NBK-001', { evidence: bare, pointer, severity: 'medium' });
    }
  }
  if (isShell) return;
  scanPython(
    place,
    lines.map((line) => (/^\s*[!%?]/.test(line) ? '' : line)).join('\n'),
    0,
    pointer,
  );
}

function scanMarkup(place: Place, source: string, pointer: string): void {
  const script = /<script\b|javascript:|<img[^>]*\bonerror\s*=|<iframe\b/i.exec(source);
  if (script === null) return;
  tell(place, 'MRL-NBK-001', { evidence: script[0], pointer, severity: 'medium' });
}

function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.filter((line) => typeof line === 'string').join('') : '';
}
