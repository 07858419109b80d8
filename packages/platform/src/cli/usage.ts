/** Arguments of the command line: few options, each told by name when it is wrong. */
import { parseArgs } from 'node:util';
import { type Severity, severities } from '@merlon/core';
import { didYouMean } from '@merlon/graph';
import { PlatformError } from '../errors.ts';

/** An option of a verb. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** One line for `--help`, with the default. */
  readonly help: string;
  readonly short?: string;
  readonly multiple?: boolean;
}

/** Options that every verb has. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  help: { type: 'boolean', help: 'show this help', short: 'h' },
  json: { type: 'boolean', help: 'one JSON document on standard output' },
  home: { type: 'string', help: 'folder of all state (default ./.merlon)' },
};

/** Arguments after parsing. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

  constructor(
    positionals: readonly string[],
    values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
  ) {
    this.positionals = positionals;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }

  /** A required option; throws `bad-request`. */
  needed(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw usage(`"--${name}" is needed`);
    return value;
  }

  /** A number, or a fraction such as 8/255; throws `bad-request`. */
  number(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [top = '', bottom = '1', ...more] = value.split('/');
    const number = Number(top) / Number(bottom);
    if (top.trim() === '' || more.length > 0 || !Number.isFinite(number)) {
      throw usage(`"--${name}" expected a number, got "${value}"`);
    }
    return number;
  }

  /** A whole number within bounds; throws `bad-request`. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.number(name);
    if (value === undefined) return undefined;
    if (!Number.isInteger(value) || value < min || value > max) {
      throw usage(`"--${name}" expected a whole number from ${min} to ${max}, got ${value}`);
    }
    return value;
  }

  /** One of a list; throws `bad-request`. */
  choice<T extends string>(name: string, choices: readonly T[], otherwise: T): T {
    const value = this.text(name);
    if (value === undefined) return otherwise;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw usage(`"--${name}" expected ${choices.join(', ')}, got "${value}"`);
  }

  /** The severity from which on exit code 1 is given. */
  failOn(): Severity {
    return this.choice('fail-on', severities, 'high');
  }

  /** Exactly so many positionals; throws `bad-request` naming what is missing. */
  exactly(...names: readonly string[]): string[] {
    if (this.positionals.length < names.length) {
      throw usage(`${names.slice(this.positionals.length).join(' and ')} expected, got nothing`);
    }
    const [extra] = this.positionals.slice(names.length);
    if (extra !== undefined) throw usage(`"${extra}" is one argument too many`);
    return [...this.positionals];
  }
}

/** Parses the arguments of a verb; throws `bad-request` that names the nearest option. */
export function parseArguments(
  words: readonly string[],
  options: Readonly<Record<string, OptionSpec>>,
): Arguments {
  const known = { ...commonOptions, ...options };
  try {
    const { positionals, values } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, { type, short, multiple }]) => [
          name,
          {
            type,
            ...(short === undefined ? {} : { short }),
            ...(multiple === undefined ? {} : { multiple }),
          },
        ]),
      ),
    });
    return new Arguments(positionals, values as ConstructorParameters<typeof Arguments>[1]);
  } catch (error) {
    throw optionFault(error, Object.keys(known));
  }
}

function optionFault(error: unknown, known: readonly string[]): unknown {
  const { code, message = '' } = error as { code?: string; message?: string };
  const name = /'(-{1,2}[^'\s]+)/.exec(message)?.[1] ?? '';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const hint = didYouMean(name.replace(/^-+/, ''), known);
    return usage(`there is no option "${name}"`, hint === '' ? undefined : hint);
  }
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    if (message.includes('ambiguous')) {
      return usage(`"${name}" expected a value that does not begin with "-"`, `or "${name}=-…"`);
    }
    return usage(`"${name}" expected a value, or none: see --help`);
  }
  return error;
}

/** A usage error. */
export function usage(message: string, hint = 'see --help'): PlatformError {
  return new PlatformError('bad-request', message, { hint });
}

/** The folder of all state. */
export function homeOf(args: Arguments): string {
  return args.text('home') ?? '.merlon';
}
