import { describe, expect, it } from 'vitest';
import {
  containDrift,
  containExtraction,
  type PlaybookCommand,
  runPlaybook,
} from '../src/index.ts';

const variables = {
  __key__: '../people/1',
  __deployment__: 'd1',
  __incident__: 'i1',
  __level__: '2',
  __summary__: 'somebody said "stop"',
};

describe('playbooks', () => {
  it('run their actions in order with values that cannot leave their place', async () => {
    const commands: PlaybookCommand[] = [];
    const reports = await runPlaybook(containExtraction, variables, async (command) => {
      commands.push(command);
      return 'done';
    });
    expect(reports.map((report) => [report.name, report.ok])).toEqual([
      ['Revoke the key', true],
      ['Tighten the guard', true],
      ['Notify by webhook', true],
    ]);
    expect(commands.map((command) => command.path)).toEqual([
      '/api/v1/keys/..%2Fpeople%2F1/revoke',
      '/api/v1/deployments/d1/tighten',
      '/notify',
    ]);
    expect(commands.map((command) => JSON.parse(command.body))).toEqual([
      { why: 'incident i1' },
      { level: 2 },
      { incident: 'i1', summary: 'somebody said "stop"' },
    ]);
  });
  it('go on after an action that failed, and say so', async () => {
    const reports = await runPlaybook(containExtraction, variables, async ({ path }) => {
      if (path.endsWith('/revoke')) throw new Error('no such key');
      return 'done';
    });
    expect(reports.map(({ ok, text }) => [ok, text])).toEqual([
      [false, 'no such key'],
      [true, 'done'],
      [true, 'done'],
    ]);
  });
  it('refuse variables they do not know and workflows without an end', async () => {
    const nothing = async (): Promise<string> => '';
    await expect(runPlaybook(containDrift, { __other__: 'x' }, nothing)).rejects.toMatchObject({
      code: 'bad-playbook',
      message: 'playbook "Contain drifting inputs" has no variable "__other__"',
    });
    const endless = { ...containDrift, workflow_start: 'action--x' };
    await expect(runPlaybook(endless, {}, nothing)).rejects.toMatchObject({ code: 'bad-playbook' });
  });
  it('tell a variable that was not given', async () => {
    const [report] = await runPlaybook(containDrift, {}, async () => 'done');
    expect(report).toMatchObject({ ok: false, text: 'variable "__deployment__" has no value' });
  });
});
