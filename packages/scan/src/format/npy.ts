/** Audits NumPy arrays (NEP 1, numpy.lib.format): a header, then numbers or a pickle of objects. */

import { windowOf } from '@merlon/core';
import { giveUp, type Place, scanTrailing, tell } from '../audit.ts';
import { latin1, startsWith } from '../bytes.ts';
import { scanPickle } from '../pickle/scan.ts';

const headerBytesMax = 1 << 20;
/** A terabyte: no array of that size stands in a small file. */
const forgedBytes = 2 ** 40;

/** True for the magic bytes of an array. */
export function looksLikeNpy(head: Uint8Array): boolean {
  return startsWith(head, '934e554d5059');
}

/** Audits the array; numbers are never read. */
export async function scanNpy(place: Place): Promise<void> {
  const { source } = place;
  const start = await source.read(0, 12);
  const wide = (start[6] ?? 0) >= 2;
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const short = start.length < 12;
  const length = short ? 0 : wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const begin = (wide ? 12 : 10) + length;
  if (short || length > headerBytesMax || begin > source.size) {
    tell(place, 'MRL-NPY-001', { evidence: `header of ${length} bytes`, offset: 0 });
    giveUp(place, 'the header ends early');
    return;
  }
  const header = latin1(await source.read(begin - length, length));
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  const descr = /'descr'\s*:\s*('[^']*'|"[^"]*"|[[(].*)/.exec(header)?.[1];
  if (shape === undefined || descr === undefined || !/^\s*\{.*\}\s*$/s.test(header)) {
    // Simple readers evaluate the header; NumPy itself takes only literals.
    const severity = /[A-Za-z_]\s*\(|\b__|\blambda\b/.test(header) ? 'high' : 'medium';
    tell(place, 'MRL-NPY-001', { evidence: header, severity, offset: begin - length });
    giveUp(place, 'the header is not understood');
    return;
  }
  const rest = windowOf(source, begin, source.size - begin);
  if (/^['"][<>|=]?O/.test(descr) || /['"][<>|=]?O\d*['"]/.test(descr)) {
    tell(place, 'MRL-NPY-002', { evidence: descr, offset: begin });
    await scanPickle({ ...place, source: rest, origin: place.origin + begin });
    return;
  }
  place.audit.dataBytes.count += rest.size;
  await checkSize(place, { shape, descr, begin });
}

async function checkSize(
  place: Place,
  header: { readonly shape: string; readonly descr: string; readonly begin: number },
): Promise<void> {
  const [, kind = '', digits = ''] = /^['"][<>|=]?([?a-zA-Z])(\d*)/.exec(header.descr) ?? [];
  // Structured types list their fields; their size is left to the loader.
  if (kind === '' || !header.descr.startsWith("'")) return;
  const itemBytes = kind === 'U' ? 4 * Number(digits) : kind === '?' ? 1 : Number(digits);
  const counts = header.shape.split(',').filter((each) => each.trim() !== '');
  const items = counts.reduce((product, each) => product * Number.parseInt(each, 10), 1);
  const expected = items * itemBytes;
  const got = place.source.size - header.begin;
  const offset = header.begin;
  if (got < expected) {
    // Loaders allocate what the header says before they look how much there is.
    const severity = expected > forgedBytes && expected > got * 1000 ? 'high' : 'medium';
    const evidence = `a shape of ${expected} bytes over ${got}`;
    tell(place, 'MRL-NPY-001', { evidence, severity, offset });
    giveUp(place, 'the array ends early');
  } else if (got > expected) {
    await scanTrailing(place, offset + expected, 'MRL-FIL-005');
  }
}
