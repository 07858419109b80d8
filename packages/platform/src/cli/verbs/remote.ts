/** `model`, `data`, `job`, `incident`, `share`, `ledger`: a running platform, with an API key. */
import { statSync } from 'node:fs';
import { isJsonObject, type JsonObject, utf8 } from '@merlon/core';
import { PlatformError } from '../../errors.ts';
import { below, filesBelow, once, readBytes, writeChunks } from '../files.ts';
import { type Api, objects, openApi, remoteOptions } from '../remote.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Verb, VerbResult } from '../verb.ts';

/** What an action of a verb does. */
export type Action = (args: Arguments, api: Api, rest: readonly string[]) => Promise<VerbResult>;

/** A verb whose first argument names an action. */
export function remoteVerb(
  of: Pick<Verb, 'name' | 'usage' | 'does'> & {
    readonly options?: Verb['options'];
    /** Actions of the contract that are still to come. */
    readonly later?: readonly string[];
  },
  actions: Readonly<Record<string, Action>>,
): Verb {
  const { name, usage: usageText, does, later = [] } = of;
  return {
    name,
    usage: usageText,
    does,
    options: { ...of.options, ...remoteOptions },
    run: async (args) => {
      const [action = '', ...rest] = args.positionals;
      if (later.includes(action)) {
        throw new PlatformError('not-built', `"${name} ${action}" is not built yet`, {
          hint: `what is built: ${Object.keys(actions).join(', ')}`,
        });
      }
      const perform = Object.hasOwn(actions, action) ? actions[action] : undefined;
      if (perform === undefined) {
        const known = Object.keys(actions).join(', ');
        throw usage(`"${name}" expected ${known}, got "${action}"`);
      }
      return perform(args, await openApi(args), rest);
    },
  };
}

/** Brings files in and completes the version. */
function addAction(kind: 'models' | 'data'): Action {
  return async (args, api, rest) => {
    const [path] = rest;
    if (path === undefined || rest.length > 1) throw usage('add expected one file or folder');
    const name = args.needed('name');
    const files = filesBelow([path]);
    if (files.length === 0) throw usage(`"${path}" has no files`);
    const parentId = args.text('parent') ?? null;
    const version = await api.ask('POST', `/api/v1/${kind}`, { name, parentId });
    const folder = statSync(path).isDirectory();
    for (const file of files) {
      const as = folder ? below(path, file.path) : file.path.split('/').at(-1);
      const at = `/api/v1/versions/${version.id}/files/${encodeURI(as ?? 'file')}`;
      await api.ask('PUT', at, await readBytes(file.path, 'the file'));
    }
    const complete = await api.ask('POST', `/api/v1/versions/${version.id}/complete`);
    const text = `${name} version ${complete.number}: ${complete.id}`;
    return { exit: 0, json: complete, text };
  };
}

function listAction(kind: 'models' | 'data'): Action {
  return async (_, api) => {
    const answer = await api.ask('GET', `/api/v1/${kind}`);
    const rows = objects(answer[kind]).flatMap((artifact) =>
      objects(artifact.versions).map((version) => {
        const steps = objects(version.steps).map((step) => `${step.step}:${step.state}`);
        return [String(artifact.name), String(version.number), String(version.id), steps.join(' ')];
      }),
    );
    return { exit: 0, json: answer, text: table(['name', 'version', 'id', 'steps'], rows) };
  };
}

/** POSTs to a version and shows what came back. */
function versionAction(path: string, body: (args: Arguments) => object): Action {
  return async (args, api, rest) => {
    const [id] = rest;
    if (id === undefined) throw usage('the id of a version is expected');
    const answer = await api.ask('POST', `/api/v1/versions/${id}/${path}`, body(args));
    return { exit: 0, json: answer, text: JSON.stringify(answer, null, 2) };
  };
}

/** Shows one thing as it is. */
export const showAction =
  (path: string): Action =>
  async (_, api, rest) => {
    const [id] = rest;
    if (id === undefined) throw usage('an id is expected');
    const answer = await api.ask('GET', `/api/v1/${path}/${id}`);
    return { exit: 0, json: answer, text: JSON.stringify(answer, null, 2) };
  };

/** Models. */
export const modelVerb = remoteVerb(
  {
    name: 'model',
    usage:
      'add PATH --name NAME | list | show ID | data ID --data ID --use test | assess ID | ' +
      'harden ID | serve ID --name NAME | retire ID',
    does: 'takes models on their journey by hand',
    options: {
      name: { type: 'string', help: 'name of the model, or of the served endpoint' },
      parent: { type: 'string', help: 'id of the version that a new one comes from' },
      epsilon: { type: 'string', help: 'radius of the attack' },
      samples: { type: 'string', help: 'samples of the assessment' },
      seed: { type: 'string', help: 'every random choice comes from it (default 1)' },
      method: { type: 'string', help: 'pgd-at or guards' },
      data: { type: 'string', help: 'id of the data version (with "data ID")' },
      use: { type: 'string', help: 'train or test (with "data ID")' },
    },
  },
  {
    add: addAction('models'),
    list: listAction('models'),
    show: showAction('versions'),
    data: versionAction('data', (args) => {
      return {
        dataVersionId: args.needed('data'),
        use: args.choice('use', ['train', 'test'], 'test'),
      };
    }),
    assess: versionAction('assess', (args) => numbers(args, ['epsilon', 'samples', 'seed'])),
    harden: versionAction('harden', (args) => {
      const method = args.choice('method', ['pgd-at', 'guards'], 'pgd-at');
      return { method, ...numbers(args, ['epsilon', 'samples', 'seed']) };
    }),
    approve: async () => {
      throw new PlatformError(
        'forbidden',
        'a key cannot approve: people do, with a second factor',
        {
          hint: 'approve at the console',
        },
      );
    },
    serve: versionAction('serve', (args) => ({ name: args.needed('name') })),
    retire: versionAction('retire', () => ({})),
  },
);

/** Columns with personal data or secrets: exit code 1; a table that could not be read: 3. */
async function personalAction(
  _: Arguments,
  api: Api,
  rest: readonly string[],
): Promise<VerbResult> {
  const [id] = rest;
  if (id === undefined) throw usage('the id of a version is expected');
  const answer = await api.ask('GET', `/api/v1/versions/${id}/personal-data`);
  const rows = objects(answer.files).flatMap((file) =>
    objects(file.found).map(({ column, kind, cells, samples }) => {
      const sample = Array.isArray(samples) ? String(samples[0] ?? '') : '';
      return [file.path, column, kind, cells, sample].map(String);
    }),
  );
  const unread = objects(answer.unread).map(({ path, why }) => `not read: ${path}: ${why}`);
  const text = table(['file', 'column', 'kind', 'cells', 'sample'], rows);
  const told = [rows.length > 0 ? text : 'none found', ...unread].join('\n');
  return { exit: rows.length > 0 ? 1 : unread.length > 0 ? 3 : 0, json: answer, text: told };
}

/** Data sets. */
export const dataVerb = remoteVerb(
  {
    name: 'data',
    usage: 'add PATH --name NAME | list | personal VERSION',
    does: 'brings training and test data in, tells where it holds personal data',
    options: { name: { type: 'string', help: 'name of the data set' } },
  },
  { add: addAction('data'), list: listAction('data'), personal: personalAction },
);

function scheduleTable(answer: JsonObject): VerbResult {
  const rows = objects(answer.schedules).map(({ name, cron, last, next }) => {
    const at = isJsonObject(last) ? last.at : null;
    return [name, cron ?? 'never', at ?? 'not yet', next ?? ''].map(String);
  });
  return { exit: 0, json: answer, text: table(['name', 'cron (UTC)', 'last', 'next'], rows) };
}

/** Jobs and schedules. */
export const jobVerb = remoteVerb(
  {
    name: 'job',
    usage:
      'list | cancel ID | schedules | schedule NAME --cron EXPRESSION | run NAME | ' +
      'advisories [FILE|none]',
    does: 'shows and cancels work, says when audits come round',
    options: {
      cron: { type: 'string', help: 'five fields in UTC such as "0 3 1 * *", or never' },
    },
  },
  {
    schedules: async (_, api) => scheduleTable(await api.ask('GET', '/api/v1/schedules')),
    schedule: async (args, api, rest) => {
      const [name] = rest;
      if (name === undefined) throw usage('"schedule" expected audit, scrub or retention');
      const given = args.needed('cron');
      const cron = given === 'never' ? null : given;
      return scheduleTable(await api.ask('PUT', `/api/v1/schedules/${name}`, { cron }));
    },
    run: async (_, api, rest) => {
      const [name] = rest;
      if (name === undefined) throw usage('"run" expected audit, scrub or retention');
      const answer = await api.ask('POST', `/api/v1/schedules/${name}/run`);
      const text = Object.entries(answer).map(([key, value]) => `${key} ${String(value)}`);
      return { exit: Number(answer.damaged ?? 0) > 0 ? 1 : 0, json: answer, text: text.join(', ') };
    },
    advisories: async (_, api, rest) => {
      const at = '/api/v1/advisories';
      const [file] = rest;
      const ask = async (): Promise<JsonObject> => {
        if (file === undefined) return api.ask('GET', at);
        if (file === 'none') return api.ask('DELETE', at);
        return api.ask('PUT', at, await readBytes(file, 'the advisories'));
      };
      const answer = await ask();
      const kept = isJsonObject(answer.advisories) ? answer.advisories : null;
      const told = kept === null ? 'no advisories' : `${kept.count} packages, since ${kept.at}`;
      const again = file === undefined ? '' : `; ${answer.rescanned} versions are scanned again`;
      return { exit: 0, json: answer, text: `${told}${again}` };
    },
    list: async (_, api) => {
      const answer = await api.ask('GET', '/api/v1/jobs');
      const rows = objects(answer.jobs).map((job) =>
        [job.id, job.kind, job.state, job.error ?? ''].map(String),
      );
      return { exit: 0, json: answer, text: table(['id', 'kind', 'state', ''], rows) };
    },
    cancel: async (_, api, rest) => {
      const answer = await api.ask('POST', `/api/v1/jobs/${rest[0] ?? 'none'}/cancel`);
      const text = answer.cancelled === true ? 'cancelled' : 'it had ended before';
      return { exit: 0, json: answer, text };
    },
  },
);

/** Incidents. */
export const incidentVerb = remoteVerb(
  {
    name: 'incident',
    usage: 'list | show ID | run ID [--playbook NAME] [--dry-run] | close ID [--comment TEXT]',
    does: 'shows incidents, runs their playbooks, closes them',
    options: {
      comment: { type: 'string', help: 'what was learned' },
      playbook: { type: 'string', help: 'name of a playbook (default: that of the incident)' },
      'dry-run': { type: 'boolean', help: 'only say what the playbook would do (run)' },
    },
  },
  {
    list: async (_, api) => {
      const answer = await api.ask('GET', '/api/v1/incidents');
      const rows = objects(answer.incidents).map((incident) =>
        [incident.id, incident.severity, incident.state, incident.title].map(String),
      );
      return { exit: 0, json: answer, text: table(['id', 'severity', 'state', 'title'], rows) };
    },
    show: showAction('incidents'),
    run: async (args, api, rest) => {
      const [id] = rest;
      if (id === undefined) throw usage('"run" expected the id of an incident');
      const wish = { playbook: args.text('playbook') ?? null, dryRun: args.flag('dry-run') };
      const answer = await api.ask('POST', `/api/v1/incidents/${id}/run`, wish);
      const steps = objects(answer.steps);
      const rows = steps.map(({ ok, name, text }) =>
        [ok === true ? '✓' : '✗', name, text].map(String),
      );
      const exit = steps.every(({ ok }) => ok === true) ? 0 : 2;
      return { exit, json: answer, text: table(['', String(answer.playbook), ''], rows) };
    },
    close: async (args, api, rest) => {
      const comment = args.text('comment') ?? '';
      const answer = await api.ask('POST', `/api/v1/incidents/${rest[0] ?? 'none'}/close`, {
        comment,
      });
      return { exit: 0, json: answer, text: 'closed' };
    },
  },
);

/** Sharing. */
export const shareVerb = remoteVerb(
  {
    name: 'share',
    usage: 'export INCIDENT [--tlp amber]',
    does: 'exports a closed incident as STIX 2.1',
    later: ['import', 'subscribe'],
    options: { tlp: { type: 'string', help: 'clear, green, amber, amber+strict or red' } },
  },
  {
    export: async (args, api, rest) => {
      const levels = ['clear', 'green', 'amber', 'amber+strict', 'red'] as const;
      const tlp = args.choice('tlp', levels, 'amber');
      const answer = await api.ask('POST', `/api/v1/incidents/${rest[0] ?? 'none'}/share`, { tlp });
      return { exit: 0, json: answer.bundle, raw: `${JSON.stringify(answer.bundle, null, 2)}\n` };
    },
  },
);

/** The ledger. */
export const ledgerVerb = remoteVerb(
  {
    name: 'ledger',
    usage: 'verify | prove INDEX [-o FILE] | prove --from SIZE',
    does: 'proves that no decision was removed or changed',
    options: {
      out: { type: 'string', short: 'o', help: 'file for the proof; FILE.leaf holds the decision' },
      from: {
        type: 'string',
        help: 'prove that the ledger only grew since it had so many entries',
      },
    },
  },
  {
    prove: proveAction,
    verify: async (_, api) => {
      const answer = await api.ask('GET', '/api/v1/ledger/verify');
      const valid = answer.valid === true;
      const faults = Array.isArray(answer.faults) ? answer.faults.join('; ') : '';
      const sound = `valid: ${answer.size} decisions, root ${answer.root}`;
      return { exit: valid ? 0 : 1, json: answer, text: valid ? sound : `NOT valid: ${faults}` };
    },
  },
);

async function proveAction(
  args: Arguments,
  api: Api,
  rest: readonly string[],
): Promise<VerbResult> {
  const from = args.integer('from', 1, Number.MAX_SAFE_INTEGER);
  if (from !== undefined) {
    const grown = await api.ask('GET', `/api/v1/ledger/growth?from=${from}`);
    return { exit: 0, json: grown, text: JSON.stringify(grown, null, 2) };
  }
  const [index = ''] = rest;
  if (!/^\d+$/.test(index)) throw usage('prove expected the number of a decision, or --from SIZE');
  const answer = await api.ask('GET', `/api/v1/ledger/prove?index=${index}`);
  const out = args.text('out');
  if (out === undefined) return { exit: 0, json: answer, raw: String(answer.proof) };
  await writeChunks(out, once(utf8(String(answer.proof))));
  await writeChunks(`${out}.leaf`, once(utf8(String(answer.leaf))));
  return { exit: 0, json: answer, text: `${out}, ${out}.leaf; key ${answer.verifierKey}` };
}

function numbers(args: Arguments, names: readonly string[]): Record<string, number> {
  const found = names.flatMap((name) => {
    const value = args.number(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}
