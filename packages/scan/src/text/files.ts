/**
 * Names of files, libraries and classes that a configuration hands to a loader, where the loader
 * would follow them out of the folder of the model or to somebody else's code.
 */
import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { type Place, tell } from '../audit.ts';
import { embeddedCode } from './embedded.ts';
import { isOutside } from './path.ts';
import { pattern } from './pattern.ts';

/** Where loaders look for the files of a model: shards, weights of tf.js, parts of Core ML. */
const fileKeys =
  /^\/weight_map\/|^\/weightsManifest\/\d+\/paths\/\d+$|^\/itemInfoEntries\/[^/]+\/path$/;
const libraryName = /\.(so(\.\d+)*|dll|dylib|pyd)$/i;
const libraryKeys = /plugin|librar|extension|custom_?op|preload|load_?path/i;
/** Tools of agents that run what they are given. */
const runsCode =
  /Python(Ast)?REPL|PythonInterpreter|ShellTool|BashProcess|Terminal|Subprocess|PALChain/i;
/** Nodes of ComfyUI that run a text, by the name of their class. */
const runNodes = /eval|exec|python|script|shell|command|subprocess/i;
/** Keys of MLflow's model file that name what its flavours open. */
const flavorKeys = pattern('files.flavorKeys');
const toldMax = 20;

/** A text that a loader takes as the name of a file or of a library. */
export function scanFileName(place: Place, key: string, value: string, pointer: string): void {
  if (fileKeys.test(pointer) && isOutside(value)) {
    tell(place, 'MRL-CFG-003', { evidence: value, pointer });
  } else if (libraryKeys.test(key) && libraryName.test(value)) {
    tell(place, 'MRL-CUS-002', { evidence: `${key}: ${value}`, pointer });
  }
}

/** Objects that name a class which their reader makes. */
export function scanConstructor(place: Place, value: JsonObject, pointer: string): void {
  const { id, lc, type, class_type: node, inputs } = value;
  if (typeof lc === 'number' && type === 'constructor' && Array.isArray(id)) {
    const parts: readonly Json[] = id;
    const name = parts.filter((part) => typeof part === 'string').join('.');
    const strange = !/^lang(chain|graph|smith)/.test(name) || runsCode.test(name);
    if (strange) tell(place, 'MRL-CFG-001', { evidence: `id: ${name}`, pointer });
  }
  if (typeof node === 'string' && isJsonObject(inputs) && runNodes.test(node)) {
    for (const [key, input] of Object.entries(inputs)) {
      const code = typeof input === 'string' ? embeddedCode(input) : null;
      if (code === null) continue;
      const evidence = `${node}.${key}: ${code.evidence}`;
      tell(place, 'MRL-CFG-001', { evidence, pointer, severity: 'high' });
    }
  }
}

/** The model file of MLflow (`MLmodel`). */
export function scanFlavors(place: Place, text: string): void {
  if (!/^flavors:\s*$/m.test(text)) return;
  let told = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const [, key, value = ''] = flavorKeys.exec(line) ?? [];
    if (key === undefined || !isOutside(value.trim()) || ++told > toldMax) continue;
    tell(place, 'MRL-CFG-003', { evidence: line.trim(), pointer: `line ${index + 1}` });
  }
}

/** Handlers of `logging.config.fileConfig`, which evaluates their arguments. */
export function scanLogging(place: Place, text: string): void {
  if (!/^\[(loggers|handlers)\]/m.test(text)) return;
  for (const match of text.matchAll(/^[ \t]*(args|kwargs|class)[ \t]*=[ \t]*(.+)$/gm)) {
    const [line, key, value = ''] = match;
    const calls = pattern('files.loggingCalls').test(value) || embeddedCode(value) !== null;
    const foreign = key === 'class' && /^(os|subprocess|builtins|importlib|runpy)\b/.test(value);
    if (calls || foreign) {
      tell(place, 'MRL-CFG-001', { evidence: line.trim(), offset: match.index, severity: 'high' });
    }
  }
}

/** Cells that a spreadsheet runs or follows when the table is opened. */
export function scanFormulas(place: Place, text: string): void {
  const runs = /(?:^|[,;\t"'])[ \t]*[=+@-][ \t]*[A-Za-z][\w.]{0,80}[ \t]*\|[ \t]*['"]/m.exec(text);
  if (runs !== null) {
    tell(place, 'MRL-CSV-001', { evidence: runs[0], offset: runs.index, severity: 'high' });
    return;
  }
  const follows = pattern('files.formulas').exec(text);
  if (follows !== null) {
    tell(place, 'MRL-CSV-001', { evidence: follows[0], offset: follows.index });
  }
}
