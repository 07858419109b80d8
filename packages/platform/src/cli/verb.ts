/** What a verb of the command line is, and how it ends. */
import type { OnProgress } from '@merlon/core';
import type { Arguments, OptionSpec } from './usage.ts';

/** 0 nothing found · 1 found · 2 could not do it · 3 not understood or incomplete. */
export type ExitCode = 0 | 1 | 2 | 3;

/** What a verb is given to speak with. */
export interface Terminal {
  /** One line for people; silent with `--json`. */
  say(line: string): void;
  /** Progress on standard error; a bar on a terminal, nothing else elsewhere. */
  readonly progress: OnProgress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** True when a person watches. */
  readonly interactive: boolean;
}

/** What came of a verb: its JSON document, and what people see instead of it. */
export interface VerbResult {
  readonly exit: ExitCode;
  readonly json: unknown;
  readonly text?: string;
  /** Written as it is, whatever the format (files to standard output). */
  readonly raw?: string;
}

/** A verb. */
export interface Verb {
  readonly name: string;
  /** Arguments as `--help` shows them. */
  readonly usage: string;
  /** One line. */
  readonly does: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  run(args: Arguments, terminal: Terminal): Promise<VerbResult>;
}
