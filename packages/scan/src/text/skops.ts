/** Nodes of skops files (`schema.json`): each names a class, a function or a method to build. */
import type { JsonObject } from '@merlon/core';
import { type Place, tell } from '../audit.ts';
import { classify, isClassName } from '../policy/classify.ts';

/** Judges a node; the walk over all of them is the caller's. */
export function scanSkopsNode(place: Place, value: JsonObject, pointer: string): void {
  const { __class__: name, __module__: module, __loader__: loader } = value;
  if (typeof name !== 'string' || typeof module !== 'string' || typeof loader !== 'string') return;
  const found = classify(module, name, place.audit.policy);
  const evidence = `${module}.${name} (${loader})`;
  if (found.kind === 'dangerous') {
    tell(place, 'MRL-SKO-001', { evidence, pointer, cve: cvesOf(loader) });
    return;
  }
  // A node of one kind that names something of another kind bypasses the list of trusted types.
  const isKind = /^(MethodNode|OperatorFuncNode)$/.test(loader);
  const method = loader === 'MethodNode' ? (value.content as JsonObject | undefined)?.func : null;
  if (typeof method === 'string' && /^_/.test(method)) {
    tell(place, 'MRL-SKO-001', { evidence: `${evidence}.${method}`, pointer, cve: cvesOf(loader) });
    return;
  }
  if (loader === 'OperatorFuncNode' && module !== 'operator') {
    tell(place, 'MRL-SKO-001', { evidence, pointer, cve: cvesOf(loader) });
    return;
  }
  if (found.kind === 'unknown' && !isKind) {
    const isFunction = loader === 'FunctionNode' || !isClassName(name);
    tell(place, 'MRL-SKO-002', { evidence, pointer, ...(isFunction ? { severity: 'high' } : {}) });
  }
}

function cvesOf(loader: string): string[] {
  if (loader === 'OperatorFuncNode') return ['CVE-2025-54412'];
  return loader === 'MethodNode' ? ['CVE-2025-54413'] : [];
}
