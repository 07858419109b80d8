/**
 * Judges the configuration of a Keras model (`config.json` of a .keras archive, `model_config` of
 * HDF5, architecture JSON): which objects its loader would look up, and by which module.
 */

import { isJsonObject, type Json, type JsonObject } from '@merlon/core';
import { type Place, tell } from '../audit.ts';
import { classify } from '../policy/classify.ts';
import { scanPython } from '../python/scan.ts';
import { pattern } from '../text/pattern.ts';
import layers from './layers.json' with { type: 'json' };
import { scanMarshal } from './marshal.ts';

/** Places of Keras and TensorFlow whose classes and functions a model may name. */
const ordinaryModules = pattern('configuration.ordinaryModules');
/** Functions and classes of Keras that load, fetch or unlock. */
const dangerousNames = pattern('configuration.dangerousNames');
const fileArguments = new Set([
  'vocabulary',
  'idf_weights',
  'mean',
  'variance',
  'filepath',
  'vocab_path',
  'file_path',
  'weights_path',
]);
/** Layers by themselves, which old files name without the module that they come from. */
const known: ReadonlySet<string> = new Set(layers.names.flatMap((line) => line.split(' ')));
const isLayerPlace = /\/(config\/)?(layers|config)\/\d+$/;
const lookups = pattern('configuration.lookups');

/** Looks at one object of a configuration; the walk over all of them is the caller's. */
export function scanKerasObject(place: Place, value: JsonObject, pointer: string): void {
  const { class_name: className } = value;
  if (typeof className !== 'string') {
    if (value.function_type === 'lambda' && Array.isArray(value.function)) {
      scanCode(place, value.function[0], `${pointer}/function`);
    }
    return;
  }
  const config = isJsonObject(value.config) ? value.config : {};
  if (/(^|>)(Lambda|__lambda__)$/.test(className)) {
    scanLambda(place, value, config, pointer);
    return;
  }
  scanModule(place, value, className, pointer);
  if (lookups.test(className)) scanFiles(place, className, config, pointer);
  if (className === 'Bidirectional' || className === 'TimeDistributed') return;
  if (className === 'TorchModuleWrapper') {
    const evidence = 'TorchModuleWrapper holds a pickle';
    tell(place, 'MRL-KER-002', {
      evidence,
      pointer,
      severity: 'critical',
      cve: ['CVE-2025-49655'],
    });
  }
}

function scanModule(place: Place, value: JsonObject, className: string, pointer: string): void {
  const { module } = value;
  const registered = value.registered_name;
  const function_ = className === 'function' && typeof value.config === 'string';
  const name = function_ ? String(value.config) : className;
  const last = name.slice(name.lastIndexOf('>') + 1);
  if (dangerousNames.test(last)) {
    const cve =
      typeof module === 'string' ? ['CVE-2025-8747', 'CVE-2025-12060'] : ['CVE-2025-9906'];
    tell(place, 'MRL-KER-002', { evidence: nameOf(module, name), pointer, cve });
    return;
  }
  const isCustom =
    name.includes('>') || (typeof registered === 'string' && registered.includes('>'));
  if (typeof module === 'string' && module !== '') {
    const found = classify(module, name, place.audit.policy);
    if (found.kind === 'dangerous' && !ordinaryModules.test(module)) {
      const evidence = nameOf(module, name);
      tell(place, 'MRL-KER-001', { evidence, pointer, cve: ['CVE-2025-1550'] });
      return;
    }
    if (ordinaryModules.test(module)) {
      if (
        module !== 'builtins' ||
        /^(function|str|int|float|list|tuple|dict|bool|slice|NoneType|bytes|Ellipsis|type)$/.test(
          className,
        )
      ) {
        if (!/^(eval|exec|open|compile|getattr|setattr|__import__|input|globals)$/.test(name))
          return;
      }
      const evidence = nameOf(module, name);
      tell(place, 'MRL-KER-001', { evidence, pointer, cve: ['CVE-2025-1550'] });
      return;
    }
    tell(place, 'MRL-KER-003', { evidence: nameOf(module, name), pointer });
  } else if (isCustom) {
    const evidence = typeof registered === 'string' ? registered : name;
    tell(place, 'MRL-KER-003', { evidence, pointer });
  } else if (module === undefined && isLayerPlace.test(pointer) && !known.has(name)) {
    tell(place, 'MRL-KER-003', { evidence: name, pointer });
  }
}

function scanLambda(place: Place, value: JsonObject, config: JsonObject, pointer: string): void {
  const given = config.function ?? value.config;
  const cve = ['CVE-2025-9905', 'CVE-2024-3660'];
  // A name instead of code is looked up in what the loading program brings along.
  if (typeof given === 'string' && !/^[A-Za-z0-9+/\s]{40,}=*\s*$/.test(given)) {
    tell(place, 'MRL-JSN-003', { evidence: `Lambda over ${given}`, pointer, cve });
    scanPython(place, given, 0, pointer);
    return;
  }
  tell(place, 'MRL-JSN-003', { evidence: 'class_name "Lambda"', pointer, cve });
  for (const code of codesOf(given)) scanCode(place, code, pointer);
}

/** Where a Lambda keeps its compiled code: a text, a list, or objects around either. */
function codesOf(given: Json | undefined): Json[] {
  if (typeof given === 'string') return [given];
  if (Array.isArray(given)) return given.slice(0, 1);
  if (!isJsonObject(given)) return [];
  const inner = isJsonObject(given.config) ? given.config : given;
  return typeof inner.code === 'string' ? [inner.code] : [];
}

function scanCode(place: Place, code: Json | undefined, pointer: string): void {
  if (typeof code !== 'string') return;
  scanMarshal(place, new Uint8Array(Buffer.from(code, 'base64')), pointer);
}

/** Layers that read a vocabulary from wherever the configuration says. */
function scanFiles(place: Place, className: string, config: JsonObject, pointer: string): void {
  for (const [key, value] of Object.entries(config)) {
    if (!fileArguments.has(key) || typeof value !== 'string' || value === '') continue;
    const evidence = `${className}.${key} = ${value}`;
    tell(place, 'MRL-KER-004', {
      evidence,
      pointer: `${pointer}/config/${key}`,
      cve: ['CVE-2025-12058'],
    });
  }
}

function nameOf(module: Json | undefined, name: string): string {
  return typeof module === 'string' && module !== '' ? `${module}.${name}` : name;
}
