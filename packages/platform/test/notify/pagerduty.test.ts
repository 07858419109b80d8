/** Pagers: events as the Events API v2 documents them, to a server that refuses all else. */
import { describe, expect, it } from 'vitest';
import type { Channel } from '../../src/notify/notice.ts';
import { pagerDutyIn } from '../../src/notify/pagerduty.ts';
import { type Answer, type Asked, openService, type Service } from './service.ts';
import { openDesk, toldOf } from './support.ts';

const key = '0123456789abcdef0123456789abcdef';
const { signal } = new AbortController();

function pager({ origin }: Service): Channel {
  const url = `${origin}/v2/enqueue`;
  const channel = pagerDutyIn({ MERLON_PAGERDUTY_KEY: key, MERLON_PAGERDUTY_URL: url });
  if (channel === null) throw new Error('expected a channel');
  return channel;
}

interface Event {
  readonly routing_key?: string;
  readonly event_action?: string;
  readonly dedup_key?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** Which members of an event break the documentation. */
function faultsOf({ routing_key, event_action, dedup_key, payload = {} }: Event): string[] {
  const { summary, source, severity, timestamp = '', custom_details = {} } = payload;
  const isText = (value: unknown, charactersMax: number): boolean =>
    typeof value === 'string' && value !== '' && value.length <= charactersMax;
  const rules: readonly (readonly [string, boolean])[] = [
    ['routing_key', isText(routing_key, 32) && routing_key?.length === 32],
    ['event_action', /^(trigger|acknowledge|resolve)$/.test(String(event_action))],
    ['dedup_key', isText(dedup_key, 255)],
  ];
  const ofTriggers: typeof rules = [
    ['summary', isText(summary, 1024)],
    ['source', isText(source, 255)],
    ['severity', /^(critical|error|warning|info)$/.test(String(severity))],
    ['timestamp', !Number.isNaN(Date.parse(String(timestamp)))],
    ['custom_details', typeof custom_details === 'object'],
  ];
  const asked = event_action === 'trigger' ? [...rules, ...ofTriggers] : rules;
  return asked.filter(([, isSound]) => !isSound).map(([name]) => name);
}

/** Keeps which alerts are triggered, as the service does. */
function service() {
  const alerts = new Set<string>();
  const answer = ({ method, path, body }: Asked): Answer => {
    const event = body as Event;
    const errors = faultsOf(event);
    if (method !== 'POST' || path !== '/v2/enqueue') return { status: 404 };
    if (errors.length > 0) {
      return { status: 400, body: JSON.stringify({ status: 'invalid event', errors }) };
    }
    if (event.event_action === 'trigger') alerts.add(event.dedup_key ?? '');
    else alerts.delete(event.dedup_key ?? '');
    return { status: 202, body: JSON.stringify({ status: 'success', dedup_key: event.dedup_key }) };
  };
  return { alerts, answer };
}

describe('a pager', () => {
  it('is triggered by the opening and resolved by the closing', async () => {
    const { alerts, answer } = service();
    const running = await openService(answer);
    const desk = await openDesk();
    const outbox = desk.open([pager(running)]);
    await desk.put(outbox, 'opened');
    await outbox.deliver();
    expect([...alerts]).toEqual([desk.incident.id]);
    expect(running.asked[0]?.body).toMatchObject({
      ...{ routing_key: key, event_action: 'trigger', dedup_key: desk.incident.id },
      payload: {
        summary: 'Incident opened (high): Somebody is extracting the model through its API',
        ...{ severity: 'error', timestamp: desk.incident.detectedAt, class: 'AML.T0024.002' },
        custom_details: { Detector: 'extraction-prada' },
      },
    });
    await desk.put(outbox, 'closed');
    await outbox.deliver();
    expect([...alerts]).toEqual([]);
    expect(running.asked[1]?.body).toEqual({
      ...{ routing_key: key, event_action: 'resolve', dedup_key: desk.incident.id },
    });
    expect(await desk.notes()).toEqual([
      'Told by PagerDuty that it was opened: it answered 202',
      'Told by PagerDuty that it was closed: it answered 202',
    ]);
    expect(desk.faults).toEqual([]);
    await desk.close();
    await running.close();
  });

  it.each(['low', 'medium', 'high', 'critical'] as const)('takes %s', async (severity) => {
    const running = await openService(service().answer);
    const title = 'x'.repeat(5000);
    const told = toldOf('opened', { severity, title });
    expect(await pager(running).send(told, signal)).toBe('it answered 202');
    await running.close();
  });

  it('that is busy is triggered later, and the key stays secret', async () => {
    const busy: Answer[] = [{ status: 429 }, { status: 503 }];
    const { alerts, answer } = service();
    const running = await openService((asked) => busy.shift() ?? answer(asked));
    const desk = await openDesk();
    const outbox = desk.open([pager(running)]);
    await desk.put(outbox, 'opened');
    for (const waitMs of [0, 5000, 10_000]) {
      expect(alerts.size).toBe(0);
      desk.clock.advance(waitMs);
      await outbox.deliver();
    }
    expect(alerts.size).toBe(1);
    expect(desk.faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/was not told by PagerDuty: it answered 429$/),
    ]);
    await desk.close();
    await running.close();
  });
});

describe('the key', () => {
  it('is enough for the service itself', () => {
    expect(pagerDutyIn({ MERLON_PAGERDUTY_KEY: key })).toMatchObject({ name: 'PagerDuty' });
  });
});
