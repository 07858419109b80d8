#!/usr/bin/env node
/** The command line of Merlon: finds the verb, runs it, tells what came of it, and how. */
import { enableCompileCache } from 'node:module';
import { MerlonError, messageOf, type Progress } from '@merlon/core';
import { didYouMean } from '@merlon/graph';
import { diskFault, PlatformError } from '../errors.ts';
import { compileCacheFolder, merlonVersion } from '../installation.ts';
import { parseArguments } from './usage.ts';
import type { Terminal, Verb, VerbResult } from './verb.ts';
import { verbs } from './verbs.ts';

async function main(words: readonly string[]): Promise<number> {
  const asJson = words.includes('--json');
  const [name = '--help', ...rest] = words;
  try {
    if (name === '--help' || name === '-h' || name === 'help') {
      process.stdout.write(overview());
      return 0;
    }
    if (name === '--version') {
      process.stdout.write(`${merlonVersion}\n`);
      return 0;
    }
    const verb = await findVerb(name);
    return await runVerb(verb, rest, asJson);
  } catch (error) {
    return tell(error, asJson);
  }
}

async function findVerb(name: string): Promise<Verb> {
  const load = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (load !== undefined) return (await load.load()) as Verb;
  const hint = didYouMean(name, Object.keys(verbs));
  throw new PlatformError('bad-request', `there is no verb "${name.slice(0, 40)}"`, {
    hint: hint === '' ? 'see merlon --help' : hint,
  });
}

async function runVerb(verb: Verb, words: readonly string[], asJson: boolean): Promise<number> {
  const args = parseArguments(words, verb.options);
  if (args.flag('help')) {
    const { helpOf } = await import('./help.ts');
    process.stdout.write(helpOf(verb));
    return 0;
  }
  const controller = new AbortController();
  let presses = 0;
  const stop = (): void => {
    presses++;
    if (presses > 1) process.exit(130);
    controller.abort(new PlatformError('bad-request', 'stopped before it was done'));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const terminal = terminalFor(asJson, controller.signal);
  const result = await verb.run(args, terminal);
  clearProgress();
  write(result, asJson);
  return result.exit;
}

function write(result: VerbResult, asJson: boolean): void {
  if (asJson) process.stdout.write(`${JSON.stringify(result.json)}\n`);
  else if (result.raw !== undefined) process.stdout.write(result.raw);
  else if (result.text !== undefined) process.stdout.write(`${result.text}\n`);
}

const barCells = 24;
let barShown = false;

function terminalFor(asJson: boolean, signal: AbortSignal): Terminal {
  const interactive = process.stderr.isTTY === true;
  return {
    interactive,
    signal,
    say: (line) => {
      clearProgress();
      if (asJson) process.stderr.write(`${line}\n`);
      else process.stdout.write(`${line}\n`);
    },
    progress: (progress) => {
      if (interactive) showBar(progress);
    },
  };
}

function showBar({ label, done, total, note }: Progress): void {
  const share = total === 0 ? 0 : Math.max(0, Math.min(1, done / total));
  const full = Math.round(share * barCells);
  const bar = '█'.repeat(full) + '░'.repeat(barCells - full);
  const percent = `${Math.round(100 * share)}`.padStart(3);
  process.stderr.write(`\r\x1b[2K${bar} ${percent} %  ${label}${note ? `, ${note}` : ''}`);
  barShown = true;
}

function clearProgress(): void {
  if (barShown) process.stderr.write('\r\x1b[2K');
  barShown = false;
}

/** One sentence and what to do next; in JSON as an error document. Never a stack. */
function tell(cause: unknown, asJson: boolean): number {
  clearProgress();
  const error = diskFault(cause);
  const report =
    error instanceof MerlonError
      ? error.report()
      : {
          code: 'internal',
          message: `something went wrong inside Merlon: ${messageOf(error)}`,
          hint: 'set MERLON_DEBUG=1 to see where',
        };
  if (process.env.MERLON_DEBUG !== undefined) console.error(error);
  if (asJson) process.stdout.write(`${JSON.stringify({ error: report })}\n`);
  process.stderr.write(`merlon: ${report.message}\n`);
  if (report.hint !== '') process.stderr.write(`        ${report.hint}\n`);
  return 2;
}

function overview(): string {
  const width = Math.max(...Object.keys(verbs).map((name) => name.length));
  const line = (name: string, does: string): string => `  ${name.padEnd(width)}  ${does}`;
  return [
    'Merlon keeps AI models safe through their whole life.',
    '',
    'Usage: merlon VERB …   (merlon VERB --help tells more)',
    '',
    ...Object.entries(verbs).map(([name, { does }]) => line(name, does)),
    '',
    'Exit codes: 0 nothing found · 1 found · 2 could not do it · 3 not understood or incomplete',
    '',
  ].join('\n');
}

// Before any verb is loaded: it halves the time to start from sources.
const compileCache = compileCacheFolder();
if (compileCache !== null) enableCompileCache(compileCache);

// Last, so that everything above it is there.
process.exitCode = await main(process.argv.slice(2));
