/** What `merlon-scan` does with its arguments, and how it ends. */
import { MerlonError, messageOf } from '@merlon/core';
import { policyVersion } from '../policy/classify.ts';
import { toText } from '../report/text.ts';
import { type Options, readOptions } from './options.ts';
import type { Run, Setup } from './run.ts';

/** Runs the command; the exit code comes back. */
export async function main(words: readonly string[]): Promise<number> {
  const asJson = words.includes('--json');
  try {
    const options = readOptions(words);
    if (options.help || (options.paths.length === 0 && !options.version)) {
      const { helpText } = await import('./options.ts');
      process.stdout.write(helpText());
      return options.help ? 0 : 2;
    }
    if (options.version) {
      process.stdout.write(`merlon-scan 0.1.0, policy ${policyVersion}\n`);
      return 0;
    }
    return await perform(options);
  } catch (error) {
    return tellError(error, asJson);
  }
}

async function perform(options: Options): Promise<number> {
  const { exitCode, prepare, runDiff, runScan } = await import('./run.ts');
  const setup = prepare(options);
  if (options.policyDiff !== undefined) {
    const changes = await runDiff(setup, options.policyDiff);
    process.stdout.write(`${JSON.stringify({ changes })}\n`);
    return changes.length > 0 ? 1 : 0;
  }
  const tell = async (run: Run): Promise<void> => {
    process.stdout.write(await written(setup, run));
  };
  const once = async (): Promise<Run> => {
    const run = await runScan(setup, progress());
    clearProgress();
    await tell(run);
    return run;
  };
  if (!options.watch) return exitCode((await once()).reports, options.failOn);
  const { watchFiles } = await import('./watch.ts');
  return watchFiles(setup, async () => void (await once()), tell);
}

async function written(setup: Setup, run: Run): Promise<string> {
  const { format, profile } = setup.options;
  const { reports, accepted, ignored } = run;
  if (format === 'sarif') {
    const { toSarif } = await import('../report/sarif.ts');
    return `${JSON.stringify(toSarif(reports), null, 2)}\n`;
  }
  if (format === 'cyclonedx') {
    const { toCycloneDx } = await import('../report/cyclonedx.ts');
    const { sha256Of } = await import('./hash.ts');
    const sha256 = await sha256Of(reports.map(({ path }) => path).filter((path) => path !== '-'));
    const bill = toCycloneDx(reports, { sha256, timestamp: new Date().toISOString() });
    return `${JSON.stringify(bill, null, 2)}\n`;
  }
  if (format === 'json') {
    const { summarize } = await import('../report/summary.ts');
    const policy = setup.policy?.version ?? policyVersion;
    const summary = summarize(reports);
    const json = { files: reports, accepted, ignored, policy, profile, summary };
    return `${JSON.stringify(json)}\n`;
  }
  const notes = [
    ...accepted.map(({ path, finding, reason }) => `accepted ${path} ${finding.rule}: ${reason}`),
    ...ignored.map(({ path, reason }) => `passed over ${path}: ${reason}`),
  ];
  return `${toText(reports)}${notes.map((note) => `${note}\n`).join('')}`;
}

function progress(): (path: string, done: number, total: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  return (path, done, total) => {
    const shown = `${done}/${total} ${path}`.slice(0, process.stderr.columns - 1);
    process.stderr.write(`\r\x1b[K${shown}`);
  };
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}

function tellError(error: unknown, asJson: boolean): number {
  const known = error instanceof MerlonError;
  const report = known
    ? error.report()
    : { code: 'internal', message: messageOf(error), hint: 'this is a fault of the program' };
  if (asJson) process.stdout.write(`${JSON.stringify({ error: report })}\n`);
  else process.stderr.write(`${report.message}\n${report.hint === '' ? '' : `${report.hint}\n`}`);
  return 2;
}
