/** `attack`: a model is tested against adversarial inputs, in a confined worker. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type AttackVerdict, findingOf, findingsSarif, suites } from '@merlon/attack';
import { atLeast, utf8 } from '@merlon/core';
import type { AssessOutput } from '../../confine/tasks/assess.ts';
import { once, writeChunks } from '../files.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Verb } from '../verb.ts';
import { attackGuarded } from './guarded.ts';
import { boundsIn, callWorker, modelOptions, percent, threads } from './worker-call.ts';

/** Attacks a model. */
export const attackVerb: Verb = {
  name: 'attack',
  usage: 'MODEL --data DATA [--suite fast|standard|autoattack|tabular|…] [--epsilon 8/255] …',
  does: 'tests a model against adversarial inputs',
  options: {
    ...modelOptions,
    suite: { type: 'string', help: `one of ${suites.join(', ')}` },
    attacks: { type: 'string', help: 'names of attacks, separated by commas' },
    norm: { type: 'string', help: 'linf, l2, l1 or l0 (default linf)' },
    target: {
      type: 'string',
      help: 'class that inputs must be taken for (default: any wrong one)',
    },
    queries: { type: 'string', help: 'most queries for a row, for attacks that count them' },
    samples: { type: 'string', help: 'samples drawn from the data (default 500)' },
    bounds: { type: 'string', help: 'least and greatest value of an element (default 0,1)' },
    save: {
      type: 'string',
      help: 'folder for the report and pictures; a run that was cut off goes on from it',
    },
    guard: { type: 'string', help: 'measures the guards of this file instead (JSON)' },
    'robust-min': {
      type: 'string',
      help: 'share that must stay right, such as 0.5; less is found',
    },
    'fail-on': { type: 'string', help: 'severity that gives exit code 1 (default high)' },
    format: { type: 'string', help: 'text, json or sarif (default text)' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const guard = args.text('guard');
    if (guard !== undefined) {
      return attackGuarded(args, terminal, { model, path: guard, options: optionsIn(args) });
    }
    const save = args.text('save');
    const format = args.choice('format', ['text', 'json', 'sarif'], 'text');
    const failOn = args.failOn();
    const robustMin = shareIn(args, 'robust-min');
    if (save !== undefined) await mkdir(save, { recursive: true });
    const kept = save === undefined ? null : join(save, 'checkpoint.json');
    const resume = kept === null ? undefined : keptCheckpoint(kept);
    const options = {
      ...optionsIn(args),
      report: save !== undefined,
      ...(resume !== undefined && { resume }),
    };
    const output = await callWorker<AssessOutput>(args, terminal, {
      method: 'assess',
      model,
      options,
      ...(kept !== null && { onCheckpoint: (checkpoint) => keep(kept, checkpoint) }),
    });
    if (save !== undefined) await saveReport(save, output);
    const { verdict } = output;
    const found = robustMin === undefined ? null : findingOf(verdict, model, { robustMin });
    const findings = found === null ? [] : [found];
    const exit = findings.some((finding) => atLeast(finding, failOn)) ? 1 : 0;
    const json = { ...verdict, findings };
    if (format === 'sarif') {
      const sarif = findingsSarif(findings);
      return { exit, json: sarif, raw: `${JSON.stringify(sarif, null, 2)}\n` };
    }
    if (format === 'json') return { exit, json, raw: `${JSON.stringify(json)}\n` };
    const told = findings.map(({ title, evidence, fix }) => `\n\n${title}: ${evidence}\n→ ${fix}`);
    return { exit, json, text: `${verdictText(output)}${told.join('')}` };
  },
};

function optionsIn(args: Arguments): object {
  const bounds = boundsIn(args);
  const named = args.text('norm') !== undefined;
  return {
    suite: args.text('suite'),
    attacks: args.text('attacks')?.split(','),
    norm: named ? args.choice('norm', ['linf', 'l2', 'l1', 'l0'], 'linf') : undefined,
    epsilon: args.number('epsilon'),
    target: args.text('target'),
    queriesMax: args.integer('queries', 1, 1_000_000_000),
    samples: args.integer('samples', 1, 10_000_000),
    seed: args.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
    threads,
    ...(bounds && { bounds }),
  };
}

/** A share between 0 and 1. */
function shareIn(args: Arguments, name: string): number | undefined {
  const share = args.number(name);
  if (share === undefined || (share >= 0 && share <= 1)) return share;
  throw usage(`"--${name}" expected a share from 0 to 1, got ${share}`);
}

/** What a run that was cut off left behind; undefined where none was. */
function keptCheckpoint(path: string): unknown {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    throw usage(`"${path}" is no checkpoint: remove it, or name another folder with --save`);
  }
}

/** Whole or not at all, so that a run that is killed here leaves the one before. */
function keep(path: string, checkpoint: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(checkpoint));
  renameSync(`${path}.new`, path);
}

async function saveReport(folder: string, { pictures, report }: AssessOutput): Promise<void> {
  if (report !== undefined) await writeChunks(join(folder, 'report.html'), once(utf8(report)));
  for (const { name, png } of pictures) await writeChunks(join(folder, `${name}.png`), once(png));
  await rm(join(folder, 'checkpoint.json'), { force: true });
}

function verdictText({ verdict, blackBoxBecause }: AssessOutput): string {
  const rows = verdict.attacks.map((attack: AttackVerdict['attacks'][number]) => [
    attack.name,
    attack.epsilon === null
      ? attack.norm
      : `${attack.norm} ${Number(attack.epsilon.toPrecision(4))}`,
    percent(attack.robustAccuracy),
    attack.medianDistance === null ? '–' : attack.medianDistance.toPrecision(3),
    String(attack.queries),
    attack.seconds.toFixed(1),
    attack.unreliable ?? '',
  ]);
  const head = ['attack', 'budget', 'robust', 'median', 'queries', 'seconds', ''];
  const black = blackBoxBecause === '' ? '' : `\nblack box only: ${blackBoxBecause}`;
  const robust = percent(verdict.robustAccuracy);
  const { autoAttack } = verdict;
  const own =
    autoAttack && `, AutoAttack (${autoAttack.version}) ${percent(autoAttack.robustAccuracy)}`;
  const figures = `clean ${percent(verdict.clean.accuracy)}${own ?? ''}, robust ${robust}`;
  const remarks = verdict.remarks.map((remark) => `\n${remark}`).join('');
  return `${table(head, rows)}\n\n${figures} over ${verdict.samples} samples${black}${remarks}`;
}
