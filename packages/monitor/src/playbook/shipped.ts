/** The playbooks that come with Merlon. */
import type { CacaoPlaybook, CacaoStep } from './cacao.ts';

const agent = 'http-api--0f6d9a52-8a3e-4f0e-9d3c-0c1d2b7f4a10';
const author = 'identity--5b1c7f1e-2a4e-4b8e-9a57-3f9d5d5d7c01';
const written = '2026-11-23T00:00:00.000Z';

interface Action {
  readonly id: string;
  readonly name: string;
  readonly command: string;
  readonly content?: string;
}

const revokeKey: Action = {
  id: 'action--1f7f2e0a-4d34-4c52-8a13-7d9c6b0e1a01',
  name: 'Revoke the key',
  command: 'POST /api/v1/keys/__key__:value/revoke HTTP/1.1',
  content: '{"why":"incident __incident__:value"}',
};
const tightenGuard: Action = {
  id: 'action--2b8c4f1d-9e55-4a6b-b7c1-5e2d8f3a9b02',
  name: 'Tighten the guard',
  command: 'POST /api/v1/deployments/__deployment__:value/tighten HTTP/1.1',
  content: '{"level":__level__:value}',
};
const notify: Action = {
  id: 'action--3c9d5e2f-0f66-4b7c-a8d2-6f3e9a4b0c03',
  name: 'Notify by webhook',
  command: 'POST /notify HTTP/1.1',
  content: '{"incident":"__incident__:value","summary":"__summary__:value"}',
};

/** Revokes the key, answers labels only, tells people. */
export const containExtraction: CacaoPlaybook = playbook({
  id: 'playbook--7a0b3c4d-1e2f-4a5b-8c6d-9e0f1a2b3c4d',
  name: 'Contain model extraction',
  description: 'Takes the key away from whoever is copying the model and coarsens its answers.',
  actions: [revokeKey, tightenGuard, notify],
  variables: ['__key__', '__deployment__', '__incident__', '__level__', '__summary__'],
});

/** Revokes the key, answers labels only, tells people: without answers there is no way on. */
export const containEvasion: CacaoPlaybook = playbook({
  id: 'playbook--4d7e8f90-5b6c-4e8d-9f10-2b3c4d5e6f70',
  name: 'Contain a search for adversarial inputs',
  description: 'Takes the key away from whoever searches by queries, and coarsens the answers.',
  actions: [revokeKey, tightenGuard, notify],
  variables: ['__key__', '__deployment__', '__incident__', '__level__', '__summary__'],
});

/** Coarsens answers and tells people; nobody's key is taken for a changed population. */
export const containDrift: CacaoPlaybook = playbook({
  id: 'playbook--8b1c4d5e-2f30-4b6c-9d7e-0f1a2b3c4d5e',
  name: 'Contain drifting inputs',
  description: 'Tightens the guard of the served model and asks people to look at the inputs.',
  actions: [tightenGuard, notify],
  variables: ['__deployment__', '__incident__', '__level__', '__summary__'],
});

/** Tells people, who decide: what a scan or a disk says is no reason to stop by itself. */
export const tellPeople: CacaoPlaybook = playbook({
  id: 'playbook--9c2d5e6f-3a41-4c7d-8e8f-1a2b3c4d5e6f',
  name: 'Tell people',
  description: 'Tells those who look after the model, and leaves what to do to them.',
  actions: [notify],
  variables: ['__incident__', '__summary__'],
});

function playbook(of: {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly actions: readonly Action[];
  readonly variables: readonly string[];
}): CacaoPlaybook {
  const start = `start--${of.id.slice('playbook--'.length)}`;
  const end = `end--${of.id.slice('playbook--'.length)}`;
  const workflow: Record<string, CacaoStep> = { [end]: { type: 'end' } };
  for (const [i, { id, name, command, content }] of of.actions.entries()) {
    workflow[id] = {
      type: 'action',
      name,
      on_completion: of.actions[i + 1]?.id ?? end,
      commands: [{ type: 'http-api', command, ...(content === undefined ? {} : { content }) }],
      agent,
    };
  }
  workflow[start] = { type: 'start', on_completion: of.actions[0]?.id ?? end };
  return {
    type: 'playbook',
    spec_version: 'cacao-2.0',
    id: of.id,
    name: of.name,
    description: of.description,
    playbook_types: ['mitigation', 'notification'],
    playbook_activities: ['contain-threat'],
    created_by: author,
    created: written,
    modified: written,
    playbook_variables: Object.fromEntries(
      of.variables.map((name) => [name, { type: 'string', external: true }]),
    ),
    workflow_start: start,
    workflow,
    agent_definitions: {
      [agent]: { type: 'http-api', name: 'Merlon', address: { url: ['https://merlon.local'] } },
    },
  };
}
