/** The validator of SARIF by its editors (npm `@microsoft/sarif-multitool`), where it is there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** True where the program runs; else its tests are skipped, and say so. */
export const hasMultitool =
  spawnSync('sarif-multitool', ['version'], { encoding: 'utf8' }).error === undefined;
if (!hasMultitool) console.warn('skipped: no "sarif-multitool" on PATH to validate SARIF');

/** What the validator says of a log, as `rule: message`; warnings are among them. */
export function sarifFaults(log: unknown): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'merlon-sarif-'));
  const [input, output] = [join(folder, 'in.sarif'), join(folder, 'out.sarif')];
  writeFileSync(input, JSON.stringify(log));
  const run = spawnSync('sarif-multitool', ['validate', input, '--output', output], {
    encoding: 'utf8',
  });
  // It ends with 0 whatever it found, so what it wrote is what counts.
  if (run.status !== 0) throw new Error(run.stdout + run.stderr);
  const told = JSON.parse(readFileSync(output, 'utf8')) as {
    runs: { results: { ruleId: string; message: { arguments?: string[] } }[] }[];
  };
  rmSync(folder, { recursive: true });
  return told.runs.flatMap(({ results }) =>
    results.map(({ ruleId, message }) => `${ruleId}: ${message.arguments?.[0] ?? ''}`),
  );
}
