/**
 * YAML as far as it can call anything: tags that build Python objects, and keys by which frameworks
 * (Hydra, NeMo, Lightning, Kedro) look up what to call. Read line by line, so that broken YAML is
 * read as well.
 */

import { giveUp, type Place, tell } from '../audit.ts';
import { attackIn, commandGrade } from './command.ts';
import { pattern } from './pattern.ts';
import { scanRequirement } from './requirements.ts';
import { scanTarget } from './targets.ts';
import { scanPin } from './versions.ts';

const linesMax = 2_000_000;
const tagPattern = pattern('yaml.tagPattern');
const handlePattern = /^%TAG\s+(!\w*!?)\s+(\S+)/;
const targetPattern = pattern('yaml.targetPattern');
const anchorsMax = 64;

/** Audits a document. */
export function scanYaml(place: Place, text: string): void {
  const handles = new Map<string, string>();
  let offset = 0;
  let count = 0;
  let aliases = 0;
  for (const line of text.split('\n')) {
    if (++count > linesMax) {
      giveUp(place, `more than ${linesMax} lines`);
      return;
    }
    const code = line.replace(/(^|\s)#.*$/, '');
    const [, handle, prefix] = handlePattern.exec(code) ?? [];
    if (handle !== undefined && prefix !== undefined) handles.set(handle, prefix);
    scanTags(place, code, offset, handles);
    scanCommand(place, code, `line ${count}`);
    scanPin(place, code.replace(/^\s*-\s*/, ''), `line ${count}`);
    for (const [, key = '', target = ''] of code.matchAll(targetPattern)) {
      scanTarget(place, key, target, `line ${count}`);
    }
    aliases += line.match(/\*\w+\s*[,\]]/g)?.length ?? 0;
    offset += line.length + 1;
  }
  const anchors = new Set([...text.matchAll(/&(\w+)\s*[[{]/g)].map(([, name]) => name)).size;
  if (anchors >= 4 && aliases >= anchors * 4 && anchors <= anchorsMax) {
    tell(place, 'MRL-YML-002', { evidence: `${aliases} references to ${anchors} lists` });
  }
}

/** Pipelines (DVC, MLproject, CI) run what stands under such a key. */
function scanCommand(place: Place, line: string, pointer: string): void {
  const [, command] = /^\s*(?:-\s+)?(?:cmd|command|run|script)\s*:\s*(\S.*)$/.exec(line) ?? [];
  const found = command === undefined ? null : attackIn(command);
  if (found !== null) {
    // Whoever repeats the pipeline runs it.
    const severity = commandGrade(line) === 'high' ? 'high' : 'medium';
    tell(place, 'MRL-CFG-002', { evidence: line.trim(), severity, pointer });
  }
  // Frameworks that build networks from lists evaluate their names and arguments.
  const called = pattern('yaml.calls').exec(line);
  if (called !== null) {
    tell(place, 'MRL-CFG-001', { evidence: line.trim(), severity: 'high', pointer });
  }
  const [, option] =
    /^\s*-\s*["']?(--?(?:extra-index-url|index-url|find-links|trusted-host)\b.*)$/.exec(line) ?? [];
  if (option !== undefined) scanRequirement(place, option, pointer);
}

function scanTags(
  place: Place,
  line: string,
  offset: number,
  handles: ReadonlyMap<string, string>,
): void {
  const tag = tagPattern.exec(line);
  if (
    tag?.[1] !== undefined &&
    !/^!!(python\/(tuple|none|bool|str|int|long|float|list|dict|complex|unicode|bytes))\b/.test(
      tag[1],
    )
  ) {
    tell(place, 'MRL-YML-001', { evidence: line.trim(), offset: offset + tag.index });
    return;
  }
  for (const [handle, prefix] of handles) {
    const used = line.indexOf(handle === '!' ? ' !' : handle);
    const isUse = used >= 0 && !line.startsWith('%TAG');
    if (isUse && /python|ruby|java/.test(prefix)) {
      tell(place, 'MRL-YML-001', {
        evidence: `${line.trim()} with ${prefix}`,
        offset: offset + used,
      });
    }
  }
}
