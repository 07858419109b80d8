/** Versions of frameworks that a file names, held against known vulnerabilities. */
import type { JsonObject } from '@merlon/core';
import { type Place, tell } from '../audit.ts';

/** Keys of configurations that name the version of a package. */
const keys: Readonly<Record<string, string>> = {
  transformers_version: 'transformers',
  keras_version: 'keras',
  tensorflow_version: 'tensorflow',
  torch_version: 'torch',
  _diffusers_version: 'diffusers',
  _skops_version: 'skops',
  mlflow_version: 'mlflow',
  sentence_transformers: 'sentence-transformers',
  onnx_version: 'onnx',
};

/** Looks at an object of a configuration. */
export function scanVersions(place: Place, value: JsonObject, pointer: string): void {
  if (place.audit.advisories === undefined) return;
  for (const [key, name] of Object.entries(keys)) {
    const version = value[key];
    if (typeof version === 'string') tellAdvisories(place, { name, version, pointer });
  }
}

/** Looks at one line of requirements, such as `torch==2.0.1`. */
export function scanPin(place: Place, line: string, pointer: string): void {
  const [, name, version] =
    /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*===?\s*([\w.+]+)/.exec(line) ?? [];
  if (name !== undefined && version !== undefined) {
    tellAdvisories(place, { name, version, pointer });
  }
}

/** Tells the vulnerabilities of a version that a file names. */
function tellAdvisories(
  place: Place,
  { name, version, pointer }: { name: string; version: string; pointer: string },
): void {
  const { advisories } = place.audit;
  if (advisories === undefined || !/^\d/.test(version)) return;
  for (const id of advisories.affecting(name, version).slice(0, 20)) {
    const cve = id.startsWith('CVE-') ? [id] : [];
    tell(place, 'MRL-ADV-001', { evidence: `${name} ${version}: ${id}`, pointer, cve });
  }
}
