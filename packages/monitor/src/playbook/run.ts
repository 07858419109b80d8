/** Runs a playbook: step after step from its start, each command handed to the caller. */
import { messageOf } from '@merlon/core';
import { MonitorError } from '../error.ts';
import type { CacaoPlaybook, CacaoStep, HttpCommand } from './cacao.ts';

/** A command with its variables filled in. */
export interface PlaybookCommand {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What came of one step. */
export interface StepReport {
  readonly step: string;
  readonly name: string;
  readonly ok: boolean;
  /** What the command answered, or why it failed. */
  readonly text: string;
}

/** Carries out a command; throws when it cannot. */
export type ExecuteCommand = (command: PlaybookCommand) => Promise<string>;

const stepsMax = 100;

/**
 * Runs a playbook to its end and reports every action. A failing action goes to its `on_failure`;
 * without one the run goes on, because half a containment is better than none, and says so.
 * Throws `bad-playbook` for a workflow that does not hold together.
 */
export async function runPlaybook(
  playbook: CacaoPlaybook,
  variables: Readonly<Record<string, string>>,
  execute: ExecuteCommand,
  onStep?: (report: StepReport) => Promise<void>,
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  const values = valuesOf(playbook, variables);
  let at: string | undefined = playbook.workflow_start;
  for (let count = 0; at !== undefined; count++) {
    if (count >= stepsMax) throw bad(playbook, 'has no end');
    const step: CacaoStep | undefined = playbook.workflow[at];
    if (step === undefined) throw bad(playbook, `names the unknown step "${at}"`);
    if (step.type === 'end') return reports;
    if (step.type === 'start') {
      at = step.on_completion;
      continue;
    }
    const report = await act(at, step, { values, execute });
    reports.push(report);
    await onStep?.(report);
    const next: string | undefined = report.ok ? step.on_success : step.on_failure;
    at = next ?? step.on_completion ?? step.on_success;
  }
  throw bad(playbook, 'ends without an end step');
}

async function act(
  id: string,
  step: Extract<CacaoStep, { type: 'action' }>,
  how: { values: ReadonlyMap<string, string>; execute: ExecuteCommand },
): Promise<StepReport> {
  const texts: string[] = [];
  try {
    for (const command of step.commands) {
      texts.push(await how.execute(parseCommand(command, how.values)));
    }
    return { step: id, name: step.name, ok: true, text: texts.join('; ') };
  } catch (error) {
    return { step: id, name: step.name, ok: false, text: messageOf(error) };
  }
}

function parseCommand(command: HttpCommand, values: ReadonlyMap<string, string>): PlaybookCommand {
  const [method, path, protocol] = command.command.split(' ');
  const sound = /^(GET|POST|PUT|DELETE)$/.test(method ?? '') && path?.startsWith('/');
  if (!sound || method === undefined || path === undefined || protocol !== 'HTTP/1.1') {
    throw new MonitorError('bad-playbook', `command expected a request line: ${command.command}`);
  }
  // Values go into the path encoded, so that none of them can name another route.
  return {
    method,
    path: filled(path, values, encodeURIComponent),
    body: filled(command.content ?? '', values, (value) => JSON.stringify(value).slice(1, -1)),
  };
}

function filled(
  text: string,
  values: ReadonlyMap<string, string>,
  encode: (value: string) => string,
): string {
  return text.replace(/(__[a-z0-9_-]+?__):value/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) {
      throw new MonitorError('playbook-failed', `variable "${name}" has no value`);
    }
    return encode(value);
  });
}

function valuesOf(
  playbook: CacaoPlaybook,
  given: Readonly<Record<string, string>>,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, variable] of Object.entries(playbook.playbook_variables)) {
    const value = variable.constant === true ? variable.value : (given[name] ?? variable.value);
    if (value !== undefined) values.set(name, value);
  }
  for (const name of Object.keys(given)) {
    if (playbook.playbook_variables[name] === undefined) {
      throw bad(playbook, `has no variable "${name}"`);
    }
  }
  return values;
}

function bad(playbook: CacaoPlaybook, why: string): MonitorError {
  return new MonitorError('bad-playbook', `playbook "${playbook.name}" ${why}`);
}
