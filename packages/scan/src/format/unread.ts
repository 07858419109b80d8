/**
 * A last look at bytes that no reader knows: commands, programs and pickles stand out of whatever
 * surrounds them. Finding nothing proves nothing, so the verdict stays `not-understood`.
 */

import { type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { dangerAt } from '../pickle/scan.ts';
import { attackIn } from '../text/command.ts';
import { pattern } from '../text/pattern.ts';

const pieceBytes = 1 << 20;
const overlapBytes = 1 << 12;
const bytesMax = 1 << 28;
const pickleTriesMax = 256;
/** A protocol mark before an opcode that pickles begin with, or an import by its name. */
const pickleStart = [
  `${'\x80'}[${'\x02'}-${'\x05'}][${'\x95'}c}\\]()${'\x8c'}X]`,
  '[ci][A-Za-z_][\\w.]*\n[A-Za-z_][\\w.]*\n',
].join('|');

const signs: readonly RegExp[] = [
  pattern('unread.signs'),
  pattern('unread.signs2'),
  /\bos\.execute\s*\(|\bio\.popen\s*\(|\bloadstring\s*\(|\bpackage\.loadlib\s*\(/,
  // Compiled Lua (string.dump) whose constants name what starts programs or loads libraries.
  pattern('unread.lua'),
  /Runtime\.getRuntime\(\)\.exec\(|java\.lang\.ProcessBuilder/,
  /<script\b[^>]*>[^<]{0,200}(fetch|eval|XMLHttpRequest|document\.cookie|atob)\(/i,
];

/** Tells the first thing that stands out. */
export async function scanUnread(place: Place): Promise<void> {
  const { source } = place;
  const end = Math.min(source.size, bytesMax);
  const budget = { tries: pickleTriesMax };
  for (let at = 0; at < end; at += pieceBytes) {
    const text = latin1(await source.read(at, pieceBytes + overlapBytes));
    const found = signIn(text) ?? (await pickleIn(place, text, at, budget));
    if (found === null) continue;
    tell(place, 'MRL-BIN-001', { evidence: found.evidence, offset: at + found.at });
    return;
  }
}

interface Sign {
  readonly evidence: string;
  readonly at: number;
}

function signIn(text: string): Sign | null {
  const attack = attackIn(text);
  if (attack !== null) return attack;
  for (const sign of signs) {
    const found = sign.exec(text);
    if (found !== null) return { evidence: found[0].slice(0, 120), at: found.index };
  }
  return programIn(text);
}

/** Whole headers of programs: the magic letters alone stand in any weights by chance. */
function programIn(text: string): Sign | null {
  const code = (at: number): number => text.charCodeAt(at);
  for (let at = text.indexOf('\x7fELF'); at >= 0; at = text.indexOf('\x7fELF', at + 1)) {
    const isHeader = code(at + 4) <= 2 && code(at + 5) <= 2 && code(at + 6) === 1;
    const type = code(at + 16) + code(at + 17);
    if (isHeader && type >= 1 && type <= 4) return { evidence: 'a program (ELF)', at };
  }
  const windows = /MZ[\s\S]{38,400}This program (cannot|must) be run/.exec(text);
  return windows === null ? null : { evidence: 'a program (PE)', at: windows.index };
}

/** Every place where a pickle could begin, as far as one that begins there would do harm. */
async function pickleIn(
  place: Place,
  text: string,
  origin: number,
  budget: { tries: number },
): Promise<Sign | null> {
  const starts = new RegExp(pickleStart, 'g');
  for (const { index } of text.matchAll(starts)) {
    if (budget.tries-- <= 0) return null;
    const danger = await dangerAt(place, origin + index);
    if (danger !== null) return { evidence: danger, at: index };
  }
  return null;
}
