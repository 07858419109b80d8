/** Serving guards as data: what is checked and rounded on the way in, and hidden on the way out. */
import { isJsonObject, type JsonObject } from '@merlon/core';
import { HardenError } from '../error.ts';

/** Guards of inputs. */
export interface InputGuards {
  /** Values outside are refused; `margin` is a share of each feature's own range. */
  readonly range?: {
    readonly min: readonly number[];
    readonly max: readonly number[];
    readonly margin: number;
  };
  /** Each feature is snapped to multiples of its step; 0 leaves it. */
  readonly rounding?: { readonly steps: readonly number[] };
  /** Standard deviation of Gaussian noise, absolute; added before rounding. */
  readonly noise?: { readonly sigma: number };
}

/** Guards of scores. */
export interface OutputGuards {
  /** Decimals that are kept. */
  readonly decimals?: number;
  /** Only so many of the highest scores are told; the others are 0, or less than what is told. */
  readonly topK?: number;
  /** Scores become 1 for the label and 0 for the rest. */
  readonly labelOnly?: boolean;
}

/** All guards of a served model. */
export interface GuardConfig {
  readonly input?: InputGuards;
  readonly output?: OutputGuards;
}

const decimalsMax = 9;

/** Guards from data; throws `bad-guards` with every fault. */
export function parseGuardConfig(data: unknown): GuardConfig {
  const faults: string[] = [];
  if (!isJsonObject(data)) {
    throw new HardenError('bad-guards', 'guards expected an object with "input" and "output"');
  }
  known(data, ['input', 'output'], 'guards', faults);
  const input = section(data, 'input', faults);
  const output = section(data, 'output', faults);
  known(input, ['range', 'rounding', 'noise'], 'input', faults);
  known(output, ['decimals', 'topK', 'labelOnly'], 'output', faults);
  rangeFaults(input.range, faults);
  roundingFaults(input.rounding, input.range, faults);
  noiseFaults(input.noise, faults);
  integer(output, 'decimals', [0, decimalsMax], faults);
  integer(output, 'topK', [1, 1_000_000], faults);
  if (output.labelOnly !== undefined && typeof output.labelOnly !== 'boolean') {
    faults.push(`"labelOnly" expected true or false, got ${JSON.stringify(output.labelOnly)}`);
  }
  if (faults.length > 0) throw new HardenError('bad-guards', faults.join('; '));
  return data as GuardConfig;
}

/** Stricter guards: 1 keeps one decimal, 2 tells the best score alone, 3 tells labels alone. */
export function tightenGuards(config: GuardConfig, level: 1 | 2 | 3): GuardConfig {
  const { decimals = decimalsMax, topK } = config.output ?? {};
  const output: OutputGuards = {
    ...config.output,
    decimals: Math.min(decimals, 1),
    ...(level >= 2 ? { topK: 1 } : topK === undefined ? {} : { topK }),
    ...(level >= 3 ? { labelOnly: true } : {}),
  };
  return { ...config, output };
}

function rangeFaults(range: unknown, faults: string[]): void {
  if (range === undefined) return;
  const { min, max, margin } = isJsonObject(range) ? range : ({} as JsonObject);
  if (!isNumbers(min) || !isNumbers(max) || min.length !== max.length) {
    faults.push('"range.min" and "range.max" expected lists of numbers of one length');
    return;
  }
  known(range as JsonObject, ['min', 'max', 'margin'], '"range"', faults);
  const crossed = min.findIndex((least, i) => least > (max[i] ?? 0));
  if (crossed >= 0) faults.push(`"range.min" exceeds "range.max" at feature ${crossed}`);
  if (!isNotNegative(margin)) faults.push('"range.margin" expected a number ≥ 0');
}

function roundingFaults(rounding: unknown, range: unknown, faults: string[]): void {
  if (rounding === undefined) return;
  const steps = isJsonObject(rounding) ? rounding.steps : undefined;
  if (!isNumbers(steps) || steps.some((step) => step < 0)) {
    faults.push('"rounding.steps" expected numbers ≥ 0');
    return;
  }
  known(rounding as JsonObject, ['steps'], '"rounding"', faults);
  const min = isJsonObject(range) ? range.min : undefined;
  if (isNumbers(min) && min.length !== steps.length) {
    faults.push(
      `"rounding.steps" expected ${min.length} numbers as in "range", got ${steps.length}`,
    );
  }
}

function noiseFaults(noise: unknown, faults: string[]): void {
  if (noise === undefined) return;
  if (!isJsonObject(noise) || !isNotNegative(noise.sigma)) {
    faults.push('"noise.sigma" expected a number ≥ 0');
    return;
  }
  known(noise, ['sigma'], '"noise"', faults);
}

function isNotNegative(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function section(data: JsonObject, name: string, faults: string[]): JsonObject {
  const value = data[name];
  if (value === undefined) return {};
  if (isJsonObject(value)) return value;
  faults.push(`"${name}" expected an object`);
  return {};
}

function known(data: JsonObject, names: readonly string[], where: string, faults: string[]): void {
  for (const name of Object.keys(data)) {
    if (names.includes(name)) continue;
    faults.push(`${where} expected ${names.join(', ')}, got "${name.slice(0, 40)}"`);
  }
}

function integer(
  data: JsonObject,
  name: string,
  [min, max]: readonly [number, number],
  faults: string[],
): void {
  const value = data[name];
  if (value === undefined) return;
  if (!Number.isInteger(value) || Number(value) < min || Number(value) > max) {
    faults.push(
      `"${name}" expected an integer from ${min} to ${max}, got ${JSON.stringify(value)}`,
    );
  }
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((each) => Number.isFinite(each));
}
