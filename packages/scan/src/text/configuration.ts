/**
 * Configurations in JSON, wherever they stand: every object is asked what it would make a loader
 * look up, every text whether it is a template or holds what it should not.
 */

import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { giveUp, type Place, tell } from '../audit.ts';
import { scanKerasObject } from '../keras/configuration.ts';
import { hasTemplate, templateFaults } from './chat/template.ts';
import { scanAddedTokens } from './chat/tokens.ts';
import { attackIn } from './command.ts';
import { embeddedAddress, embeddedCode } from './embedded.ts';
import { scanConstructor, scanFileName } from './files.ts';
import { pattern } from './pattern.ts';
import { scanSkopsNode } from './skops.ts';
import { scanTarget } from './targets.ts';
import { scanVersions } from './versions.ts';

const valuesMax = 5_000_000;
/** The last is how `logging.config.dictConfig` names a factory. */
const targetKeys = new Set(['_target_', '__target__', 'class_path', '_class_', '()']);
/** Parts of tokenizers, where any text is a token and none is code. */
const vocabulary = pattern('configuration.vocabulary');
const codeTextMax = 1 << 16;
const isRun = pattern('configuration.runs');

/** Audits a template that stands somewhere inside a file. */
export function scanTemplate(place: Place, text: string, pointer?: string): void {
  if (!hasTemplate(text)) return;
  for (const { grave, evidence, severity } of templateFaults(text)) {
    const where = {
      ...(pointer === undefined ? {} : { pointer }),
      ...(severity === undefined ? {} : { severity }),
    };
    const cve = grave ? ['CVE-2024-34359'] : [];
    tell(place, grave ? 'MRL-TPL-001' : 'MRL-TPL-002', { evidence, ...where, cve });
  }
}

/** Audits a text of some metadata. */
export function scanDescription(place: Place, key: string, text: string, pointer: string): void {
  const found = embeddedCode(text.slice(0, codeTextMax)) ?? embeddedAddress(key, text);
  if (found === null) return;
  const { evidence } = found;
  // A command where packages and editors look for what to run is run, not only described.
  const severity = isRun.test(pointer) && attackIn(text) !== null ? 'high' : found.severity;
  tell(place, 'MRL-CFG-002', { evidence, severity, pointer });
}

/** Audits a configuration that is already read, such as a header. */
export function scanConfiguration(place: Place, root: Json): void {
  let count = 0;
  const walk = (value: Json | undefined, pointer: string, key: string): void => {
    if (value === undefined || ++count > valuesMax) return;
    if (typeof value === 'string') {
      scanFileName(place, key, value, pointer);
      scanTemplate(place, value, pointer);
      if (value.length >= 8 && !vocabulary.test(pointer) && !hasTemplate(value)) {
        scanDescription(place, key, value, pointer);
      }
    }
    if (typeof value !== 'object') return;
    if (Array.isArray(value)) {
      for (const [i, each] of value.entries()) walk(each, `${pointer}/${i}`, key);
    } else if (isJsonObject(value)) {
      scanObject(place, value, pointer);
      for (const [name, inner] of Object.entries(value)) walk(inner, `${pointer}/${name}`, name);
    }
  };
  walk(root, '', '');
  if (count > valuesMax) giveUp(place, `more than ${valuesMax} values`);
}

function scanObject(place: Place, value: JsonObject, pointer: string): void {
  const remote = isJsonObject(value.auto_map) || value.trust_remote_code === true;
  if (remote) {
    const evidence = JSON.stringify(value.auto_map ?? { trust_remote_code: true });
    tell(place, 'MRL-JSN-002', { evidence, pointer });
  }
  scanPipelines(place, value, pointer);
  scanVersions(place, value, pointer);
  scanKerasObject(place, value, pointer);
  scanSkopsNode(place, value, pointer);
  scanConstructor(place, value, pointer);
  scanAddedTokens(place, value, pointer);
  for (const [key, target] of Object.entries(value)) {
    if (targetKeys.has(key) && typeof target === 'string' && target.includes('.')) {
      scanTarget(place, key, target, pointer);
    }
  }
  // MXNet's symbols call into a registered class of Python by this operator.
  if (value.op === 'Custom' && (isJsonObject(value.attrs) || isJsonObject(value.param))) {
    const evidence = JSON.stringify(value.attrs ?? value.param);
    tell(place, 'MRL-CUS-001', { evidence, pointer });
  }
}

/** Pipelines of a model repository name the module that they import. */
function scanPipelines(place: Place, value: JsonObject, pointer: string): void {
  const { custom_pipelines: pipelines } = value;
  if (!isJsonObject(pipelines)) return;
  for (const [name, row] of Object.entries(pipelines)) {
    if (isJsonObject(row) && typeof row.impl === 'string') {
      tell(place, 'MRL-JSN-002', { evidence: `${name}: ${row.impl}`, pointer });
    }
  }
}
