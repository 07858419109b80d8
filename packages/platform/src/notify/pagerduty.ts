/**
 * Pagers by the Events API v2 of PagerDuty, and what takes the same events: an incident that opens
 * triggers an alert, its closing resolves it, and its id keeps the two together.
 */
import { hostname } from 'node:os';
import type { JsonObject } from '@merlon/core';
import type { Channel, Told } from './notice.ts';
import { postJson } from './post.ts';
import { type Environment, expected, readSecretAddress } from './settings.ts';
import { facts, headline } from './words.ts';

const [keyName, urlName] = ['MERLON_PAGERDUTY_KEY', 'MERLON_PAGERDUTY_URL'];
const urlDefault = 'https://events.pagerduty.com/v2/enqueue';
const severities = { low: 'info', medium: 'warning', high: 'error', critical: 'critical' } as const;
/** What the service keeps of a summary. */
const summaryCharactersMax = 1024;

/** The channel as the environment sets it; null where it does not. Throws `bad-request`. */
export function pagerDutyIn(env: Environment): Channel | null {
  const [key, address] = [env[keyName], env[urlName]];
  if (key === undefined && address === undefined) return null;
  const hint = 'give the integration key that an "Events API v2" integration shows';
  if (key === undefined) throw expected(keyName, `a key for the service at ${urlName}`, hint);
  // Services that take the same events have keys of their own.
  const [pattern, what] =
    address === undefined
      ? [/^[a-z0-9]{32}$/i, 'an integration key, 32 letters and digits']
      : [/^[!-~]+$/, 'a key without blanks'];
  if (!pattern.test(key)) throw expected(keyName, what, hint);
  return pagerDutyChannel(key, readSecretAddress(address ?? urlDefault, urlName));
}

/** A channel that sends each notice as an event. */
export function pagerDutyChannel(key: string, url: URL): Channel {
  return {
    name: 'PagerDuty',
    secrets: [key, url.search],
    send: async (told, signal) => {
      const routed = { routing_key: key, ...eventOf(told) };
      return `it answered ${await postJson(url.href, routed, signal)}`;
    },
  };
}

function eventOf(told: Told): JsonObject {
  const { incident, event } = told;
  if (event === 'closed') return { event_action: 'resolve', dedup_key: incident.id };
  return {
    event_action: 'trigger',
    dedup_key: incident.id,
    payload: {
      summary: headline(told).slice(0, summaryCharactersMax),
      source: hostname(),
      severity: severities[incident.severity],
      timestamp: incident.detectedAt,
      component: incident.versionId,
      class: incident.technique,
      custom_details: facts(told),
    },
    client: 'Merlon',
  };
}
