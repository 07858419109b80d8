/** Which guards can work for a model; one that cannot is refused before anything is served. */
import type { GuardConfig } from '@merlon/harden';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { typeOf } from '../gateway/datatypes.ts';

/** Throws `bad-request` with one sentence that names the first guard that cannot work. */
export function requireGuards(model: LoadedModel, guards: GuardConfig): void {
  const { input = {}, output = {} } = guards;
  const [inputGuard] = Object.keys(input);
  const width = guardedWidth(model);
  if (inputGuard !== undefined && width === null) {
    throw cannotWork(`input.${inputGuard}`, 'the model does not take rows of one input of floats');
  }
  for (const [name, list] of Object.entries({
    'input.range': input.range?.min,
    'input.rounding': input.rounding?.steps,
  })) {
    if (list === undefined || list.length === width) continue;
    throw cannotWork(name, `it is made for ${list.length} features, and the model takes ${width}`);
  }
  for (const name of ['topK', 'labelOnly'] as const) {
    if (output[name] === undefined || output[name] === false) continue;
    if (model.isClassifier) continue;
    throw cannotWork(`output.${name}`, 'the model tells more, or other things, than classes');
  }
}

/** Elements of a row that input guards see; null where they cannot work. */
export function guardedWidth({ inputs, rowShape }: LoadedModel): number | null {
  const [only] = inputs;
  if (rowShape === null || only === undefined || typeOf(only.datatype) !== 'float32') return null;
  return rowShape.reduce((product, size) => product * size, 1);
}

function cannotWork(guard: string, why: string): PlatformError {
  return new PlatformError('bad-request', `the guard "${guard}" cannot work here: ${why}`, {
    hint: 'leave it out; "output.decimals" works for every model',
  });
}
