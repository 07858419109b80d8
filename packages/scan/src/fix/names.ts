/**
 * Tensors by the names that a state dictionary gives them: keys joined by dots, and for a whole
 * module its parameters, persistent buffers and modules (torch.nn.Module.state_dict). What is no
 * tensor is told and left out.
 */
import { FixError } from './error.ts';
import { as, type Dict, type Opaque, type Plain, type TensorValue } from './plain.ts';
import { tensorIn } from './rebuild.ts';

/** Tensors whose form safetensors does not have: sparse, quantized and other rare ones. */
const rare = /^torch\._utils\._rebuild_|^torch\._tensor\._rebuild/;

/** What was found under a value. */
export interface Named {
  readonly tensors: readonly (readonly [string, TensorValue])[];
  /** What stays behind, with its name. */
  readonly left: readonly string[];
}

/** Deeper nesting is no state dictionary. */
const depthMax = 64;

/** All tensors below a value. */
export function namedTensors(root: Plain): Named {
  const tensors: [string, TensorValue][] = [];
  const left: string[] = [];
  const seen = new Set<Plain>();
  const visit = (value: Plain, name: string, depth: number): void => {
    const tensor = tensorIn(value);
    if (tensor !== null) {
      tensors.push([name === '' ? 'tensor' : name, tensor]);
      return;
    }
    if (value !== null && typeof value === 'object') {
      // A value may hold itself; whoever is seen again on the way down has been taken already.
      if (depth > depthMax || seen.has(value)) return;
      seen.add(value);
    }
    const dict = as(value, 'dict');
    const object = as(value, 'opaque');
    const items = as(value, 'sequence')?.items;
    if (dict !== null)
      for (const [key, one] of dict.entries) visit(one, join(name, key), depth + 1);
    else if (items?.some((item) => typeof item === 'object' && item !== null) === true) {
      for (const [i, item] of items.entries()) visit(item, join(name, i), depth + 1);
    } else if (object !== null && isModule(object)) {
      for (const [key, one] of ofModule(object)) visit(one, join(name, key), depth + 1);
    } else if (object !== null && rare.test(object.name)) {
      throw new FixError('unsupported', `"${name}" is written by "${object.name}"`, {
        hint: 'safetensors has only dense tensors; turn it into one before saving',
      });
    } else left.push(`${name === '' ? 'the file itself' : `"${name}"`}: ${kindOf(value)}`);
    if (value !== null && typeof value === 'object') seen.delete(value);
  };
  visit(root, '', 0);
  return { tensors, left };
}

function join(name: string, key: Plain): string {
  const own = typeof key === 'string' || typeof key === 'number' ? String(key) : '?';
  return name === '' ? own : `${name}.${own}`;
}

function isModule({ name, state }: Opaque): boolean {
  const dict = as(state, 'dict');
  return dict !== null && (fieldOf(dict, '_modules') !== null || name.startsWith('__torch__.'));
}

function ofModule({ state }: Opaque): [Plain, Plain][] {
  const dict = as(state, 'dict');
  if (dict === null) return [];
  const modules = fieldOf(dict, '_modules');
  // A scripted module has its parameters and modules as plain fields.
  if (modules === null) return dict.entries.filter(([, value]) => value !== null);
  const transient = new Set(as(fieldIn(dict, '_non_persistent_buffers_set'), 'sequence')?.items);
  const entries = (name: string): [Plain, Plain][] =>
    (fieldOf(dict, name)?.entries ?? []).filter(([, value]) => value !== null);
  return [
    ...entries('_parameters'),
    ...entries('_buffers').filter(([key]) => !transient.has(key)),
    ...entries('_modules'),
  ];
}

function fieldIn(dict: Dict, name: string): Plain | undefined {
  return dict.entries.find(([key]) => key === name)?.[1];
}

function fieldOf(dict: Dict, name: string): Dict | null {
  return as(fieldIn(dict, name), 'dict');
}

function kindOf(value: Plain): string {
  if (value === null) return 'nothing';
  if (typeof value !== 'object')
    return typeof value === 'number' ? 'a number' : `a ${typeof value}`;
  if (value.kind === 'opaque') return `an object of "${value.name}" (byte ${value.offset})`;
  if (value.kind === 'name') return `the name "${value.name}"`;
  return value.kind === 'span' ? 'bytes or a long text' : `a ${value.kind}`;
}
