/** What functions of Python do to the machine, by their dotted names (`code.json`). */
import code from './code.json' with { type: 'json' };

/** Kinds of what a function does. */
export type Group = 'process' | 'dynamic' | 'native' | 'load' | 'network' | 'server' | 'write';

const groups = groupsOf();

/** Which group a name belongs to, or null. */
export function groupOf(path: string): Group | null {
  const exact = groups.get(path);
  if (exact !== undefined) return exact;
  for (let at = path.lastIndexOf('.'); at > 0; at = path.lastIndexOf('.', at - 1)) {
    const group = groups.get(`${path.slice(0, at)}.*`);
    if (group !== undefined) return group;
  }
  return borrowed(path);
}

/** A module that is reached through another one, as in `logging.os.system`. */
function borrowed(path: string): Group | null {
  const found = /\.((?:os|posix|nt|subprocess|pty|builtins|runpy|commands)\.\w+)$/.exec(path)?.[1];
  return found === undefined ? null : (groups.get(found) ?? null);
}

function groupsOf(): Map<string, Group> {
  const out = new Map<string, Group>();
  for (const [group, names] of Object.entries(code)) {
    if (!Array.isArray(names)) continue;
    for (const name of names) out.set(name, group as Group);
  }
  return out;
}
