/** `merlon finding`: what was found over all versions, and what becomes of it. */
import { objects } from '../remote.ts';
import { table } from '../table.ts';
import { usage } from '../usage.ts';
import type { VerbResult } from '../verb.ts';
import { type Action, remoteVerb, showAction } from './remote.ts';

const states = ['open', 'accepted', 'fixed', 'verified'] as const;

const list: Action = async (args, api): Promise<VerbResult> => {
  const wanted = args.text('state');
  const state = wanted === undefined ? undefined : args.choice('state', states, 'open');
  const query = state === undefined ? '' : `?state=${state}`;
  const answer = await api.ask('GET', `/api/v1/findings${query}`);
  const found = objects(answer.findings);
  const rows = found.map((each) =>
    [
      each.id,
      each.state,
      each.severity,
      each.rule,
      `${each.model} v${each.number}`,
      each.title,
    ].map(String),
  );
  const text = table(['id', 'state', 'severity', 'rule', 'last seen in', 'what'], rows);
  const isOpen = found.some((each) => each.state === 'open');
  return { exit: isOpen ? 1 : 0, json: answer, text: rows.length > 0 ? text : 'no findings' };
};

const updateAction =
  (kind: 'fixed' | 'reopen'): Action =>
  async (args, api, rest) => {
    const [id] = rest;
    if (id === undefined) throw usage('the id of a finding is expected');
    const answer = await api.ask('POST', `/api/v1/findings/${id}/${kind}`, {
      why: args.needed('why'),
    });
    const next = kind === 'fixed' ? '; the scan of the next version verifies that' : '';
    return { exit: 0, json: answer, text: `${answer.state}${next}` };
  };

/** Findings; people accept them at the console, with a second factor. */
export const findingVerb = remoteVerb(
  {
    name: 'finding',
    usage: 'list [--state open] | show ID | fixed ID --why TEXT | reopen ID --why TEXT',
    does: 'follows findings over versions until they are fixed',
    options: {
      state: { type: 'string', help: states.join(', ') },
      why: { type: 'string', help: 'what was done, or why it is taken back; goes into the ledger' },
    },
  },
  {
    list,
    show: showAction('findings'),
    fixed: updateAction('fixed'),
    reopen: updateAction('reopen'),
  },
);
