/** Chat: what Slack's documentation asks of a message, from a server that refuses all else. */
import { describe, expect, it } from 'vitest';
import type { Channel } from '../../src/notify/notice.ts';
import { slackIn } from '../../src/notify/slack.ts';
import { type Answer, type Asked, openService, type Service } from './service.ts';
import { openDesk, toldOf } from './support.ts';

const path = '/services/T000/B000/sEcReT';
const { signal } = new AbortController();

function slack(origin: string): Channel {
  const channel = slackIn({ MERLON_SLACK_URL: `${origin}${path}` });
  if (channel === null) throw new Error('expected a channel');
  return channel;
}

/** As incoming webhooks answer: `ok`, or the name of what is wrong. */
function answer({ method, path: at, headers, body }: Asked): Answer {
  if (at !== path) return { status: 404, body: 'no_team' };
  const { text, ...others } = body as Record<string, unknown>;
  const isSound = typeof text === 'string' && text !== '' && text.length < 40_000;
  const isJson = headers['content-type'] === 'application/json';
  if (method !== 'POST' || !isJson || !isSound || Object.keys(others).length > 0) {
    return { status: 400, body: 'invalid_payload' };
  }
  return { status: 200, body: 'ok' };
}

function textIn({ asked }: Service): string {
  const [one] = asked.map(({ body }) => body as { text: string });
  return one?.text ?? '';
}

describe('chat', () => {
  it('is told what happened', async () => {
    const service = await openService(answer);
    const told = toldOf('opened');
    expect(await slack(service.origin).send(told, signal)).toBe('it answered 200');
    const text = textIn(service);
    const title = 'Somebody is extracting the model through its API';
    expect(text.split('\n').slice(0, 3)).toEqual([
      `*Incident opened (high): ${title}*`,
      `Incident: ${told.incident.id}`,
      'State: open',
    ]);
    expect(text).not.toContain('key-of-somebody');
    await service.close();
  });

  it('cannot be made to name everybody or to show a link', async () => {
    const service = await openService(answer);
    const title = '<!channel> <https://evil.example|click> & more';
    await slack(service.origin).send(toldOf('opened', { title }), signal);
    const text = textIn(service);
    expect(text).toContain('&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; more*');
    expect(text).not.toMatch(/[<>]/);
    await service.close();
  });

  it.each([
    { status: 404, body: 'no_service' },
    { status: 429, body: '', headers: { 'retry-after': '1' } },
    { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } },
    { status: 500 },
  ])('is tried again after $status, and its address stays secret', async (refusal) => {
    let answers: Answer[] = [refusal];
    const service = await openService((asked) => answers.shift() ?? answer(asked));
    const desk = await openDesk();
    const outbox = desk.open([slack(service.origin)]);
    await desk.put(outbox, 'opened');
    await outbox.deliver();
    expect(service.asked.length).toBe(1);
    const [fault] = desk.faults;
    expect(fault?.message).toMatch(/was not told by Slack: it (answered \d+|was not reached)/);
    expect(fault?.message).not.toContain('sEcReT');
    answers = [];
    desk.clock.advance(5000);
    await outbox.deliver();
    expect(await desk.notes()).toEqual(['Told by Slack that it was opened: it answered 200']);
    await desk.close();
    await service.close();
  });

  it('that is not there is told as such', async () => {
    const service = await openService(answer);
    await service.close();
    const sent = slack(service.origin).send(toldOf('opened'), signal);
    await expect(sent).rejects.toThrow(/^it was not reached: connect ECONNREFUSED/);
  });
});
