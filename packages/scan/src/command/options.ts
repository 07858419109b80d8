/** Options of `merlon-scan`, and how they are read: few, each told by name when it is wrong. */
import { parseArgs } from 'node:util';
import { type Severity, severities } from '@merlon/core';
import { ScanError } from '../error.ts';
import type { Profile } from '../policy/classify.ts';

/** Forms of the report. */
export type ReportFormat = 'text' | 'json' | 'sarif' | 'cyclonedx';

/** What was asked for. */
export interface Options {
  readonly paths: readonly string[];
  readonly format: ReportFormat;
  readonly profile: Profile;
  readonly failOn: Severity;
  readonly policy: string | undefined;
  readonly policyDiff: string | undefined;
  readonly advisories: string | undefined;
  readonly ignore: string | undefined;
  readonly watch: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

const formats: readonly ReportFormat[] = ['text', 'json', 'sarif', 'cyclonedx'];

/** One line of help an option; a test holds the documentation to it. */
export const optionHelp = {
  format: 'text, json, sarif or cyclonedx (default text)',
  json: 'the same as --format json',
  profile: 'ml or strict (default ml)',
  'fail-on': 'severity that gives exit code 1 (default high)',
  policy: 'FILE: a policy of your own, which extends the shipped one',
  'policy-diff': 'FILE: tells which files change verdict under that policy',
  advisories: 'FILE: an export of OSV, for versions with known vulnerabilities',
  ignore: 'FILE: what is accepted, with reasons (default .merlonignore beside the paths)',
  watch: 'audits what changes, until it is stopped',
  help: 'shows this help',
  version: 'shows the version of the program and of its policy',
} as const;

/** Reads the arguments; throws `usage`. */
export function readOptions(words: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values, positionals } = parsed(() =>
    parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        format: text,
        json: flag,
        profile: text,
        'fail-on': text,
        policy: text,
        'policy-diff': text,
        advisories: text,
        ignore: text,
        watch: flag,
        help: { ...flag, short: 'h' },
        version: flag,
      },
    }),
  );
  return {
    paths: positionals,
    format: values.json === true ? 'json' : choice('format', values.format, formats, 'text'),
    profile: choice('profile', values.profile, ['ml', 'strict'], 'ml'),
    failOn: choice('fail-on', values['fail-on'], severities, 'high'),
    policy: values.policy,
    policyDiff: values['policy-diff'],
    advisories: values.advisories,
    ignore: values.ignore,
    watch: values.watch === true,
    help: values.help === true,
    version: values.version === true,
  };
}

/** The help as people see it. */
export function helpText(): string {
  const rows = Object.entries(optionHelp).map(([name, help]) => `  --${name.padEnd(12)} ${help}`);
  return [
    'merlon-scan PATH… [options]',
    '',
    'Audits model files and folders by their content, without loading any. PATH may be a file, a',
    'folder, a pattern in quotes, or - for standard input.',
    '',
    ...rows,
    '',
    'Exit codes: 0 nothing found, 1 found, 2 could not do it, 3 not understood or incomplete.',
    '',
  ].join('\n');
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('. ')[0] : String(cause);
    throw new ScanError('usage', `${message}`, { hint: 'see merlon-scan --help', cause });
  }
}

function choice<T extends string>(
  name: string,
  value: string | undefined,
  choices: readonly T[],
  otherwise: T,
): T {
  if (value === undefined) return otherwise;
  const found = choices.find((each) => each === value);
  if (found !== undefined) return found;
  const message = `"--${name}" expected ${choices.join(', ')}, got "${value}"`;
  throw new ScanError('usage', message, { hint: 'see merlon-scan --help' });
}
