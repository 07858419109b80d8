/** To a SIEM: frames and messages to the letter, findings with all that OCSF requires, TLS. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Channel } from '../../src/notify/notice.ts';
import { syslogChannel, syslogIn } from '../../src/notify/syslog.ts';
import { openCollector } from './collector.ts';
import { end, listen, makeTls, openDesk, toldOf } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-syslog-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tls = makeTls(folder);
const { signal } = new AbortController();

function syslog(url: string): Channel {
  const channel = syslogIn({ MERLON_SYSLOG_URL: url });
  if (channel === null) throw new Error('expected a channel');
  return channel;
}

describe('a SIEM', () => {
  it('is told of the opening as a finding', async () => {
    const collector = await openCollector();
    const told = toldOf('opened');
    await syslog(`syslog://127.0.0.1:${collector.port}`).send(told, signal);
    expect(collector.faults).toEqual([]);
    const [message] = collector.messages;
    expect(message).toMatchObject({
      ...{ facility: 10, severity: 3, at: told.at, app: 'merlon', process: String(process.pid) },
      ...{ id: 'incident.opened', data: '-' },
    });
    const finding: unknown = JSON.parse(message?.text ?? '');
    // Required by the schema: base event, finding, finding_info, metadata, product, analytic.
    expect(finding).toMatchObject({
      ...{ class_uid: 2004, category_uid: 2, activity_id: 1, type_uid: 200_401 },
      ...{ severity_id: 4, severity: 'High', status_id: 1, time: Date.parse(told.at) },
      is_alert: true,
      metadata: { version: '1.8.0', product: { name: 'Merlon', vendor_name: 'Merlon' } },
      finding_info: {
        ...{ uid: told.incident.id, title: told.incident.title },
        analytic: { name: 'extraction-prada', type_id: 99 },
        attacks: [
          {
            technique: { uid: 'AML.T0024' },
            sub_technique: { uid: 'AML.T0024.002', name: 'Extract AI Model' },
          },
        ],
      },
      resources: [{ uid: 'v' }],
    });
    expect(message?.text).not.toContain('key-of-somebody');
    await collector.close();
  });

  it.each([
    ['low', 5, 2],
    ['medium', 4, 3],
    ['critical', 2, 5],
  ] as const)('is told how grave %s is', async (severity, syslogSeverity, ocsfSeverity) => {
    const collector = await openCollector();
    const channel = syslog(`syslog://127.0.0.1:${collector.port}`);
    const opened = toldOf('opened', { severity, technique: 'AML.T0015' });
    await channel.send(opened, signal);
    const times = { containedAt: null, closedAt: '2026-11-25T13:00:00.000Z' };
    await channel.send(toldOf('closed', { severity, state: 'closed', ...times }), signal);
    expect(collector.faults).toEqual([]);
    const [first, last] = collector.messages;
    expect([first?.severity, last?.severity]).toEqual([syslogSeverity, 6]);
    expect(JSON.parse(first?.text ?? '')).toMatchObject({
      severity_id: ocsfSeverity,
      finding_info: { attacks: [{ technique: { uid: 'AML.T0015' } }] },
    });
    expect(JSON.parse(last?.text ?? '')).toMatchObject({
      ...{ activity_id: 3, type_uid: 200_403, status_id: 4, is_alert: false },
      finding_info: { modified_time: Date.parse('2026-11-25T13:00:00.000Z') },
    });
    await collector.close();
  });

  it('gets foreign letters and line breaks inside of JSON, and one message', async () => {
    const collector = await openCollector();
    const title = 'größer 😀\n<0>1 - - - - - - forged';
    const channel = syslog(`syslog://127.0.0.1:${collector.port}`);
    await channel.send(toldOf('opened', { title }), signal);
    expect(collector.faults).toEqual([]);
    expect(collector.messages.length).toBe(1);
    const { finding_info: info } = JSON.parse(collector.messages[0]?.text ?? '') as {
      finding_info: { title: string };
    };
    expect(info.title).toBe(title);
    await collector.close();
  });

  it('that was down is told later', async () => {
    const first = await openCollector();
    await first.close();
    const desk = await openDesk();
    const outbox = desk.open([syslog(`syslog://127.0.0.1:${first.port}`)]);
    await desk.put(outbox, 'opened');
    await outbox.deliver();
    expect(desk.faults[0]?.message).toMatch(/was not told by syslog: .*ECONNREFUSED/);
    const later = await openCollector({ port: first.port });
    desk.clock.advance(5000);
    await outbox.deliver();
    expect(later.messages.map(({ id }) => id)).toEqual(['incident.opened']);
    expect(await desk.notes()).toEqual([expect.stringMatching(/it took \d+ bytes$/)]);
    await desk.close();
    await later.close();
  });

  it('that hangs up in the middle was not told', async () => {
    const server = createServer((socket) => socket.resetAndDestroy());
    const port = await listen(server);
    await expect(
      syslog(`syslog://127.0.0.1:${port}`).send(toldOf('opened'), signal),
    ).rejects.toThrow(/ECONNRESET|EPIPE|hung up/);
    await end(server);
  });

  it('that never hangs up has taken what it has', async () => {
    let taken = 0;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (chunk) => {
        taken += chunk.length;
      });
      socket.on('close', () => undefined).on('error', () => undefined);
      server.on('drop-all', () => socket.destroy());
    });
    const settings = { host: '127.0.0.1', port: await listen(server), isTls: false, lingerMs: 50 };
    const answer = await syslogChannel(settings).send(toldOf('opened'), signal);
    expect(answer).toMatch(/^it took \d+ bytes$/);
    expect(taken).toBeGreaterThan(Number(answer.replace(/\D/g, '')));
    server.emit('drop-all');
    await end(server);
  });

  it('is waited for only as long as one asks', async () => {
    const stop = new AbortController();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined).on('end', () => socket.destroy());
      socket.resume();
      stop.abort();
    });
    const port = await listen(server);
    const sent = syslog(`syslog+tls://127.0.0.1:${port}`).send(toldOf('opened'), stop.signal);
    await expect(sent).rejects.toThrow('no answer in time');
    await end(server);
  });
});

describe.skipIf(tls === null)('a SIEM by TLS', () => {
  const ca = `?ca=${encodeURIComponent(tls?.caFile ?? '')}`;

  it('is told in secret', async () => {
    const collector = await openCollector({ tls });
    const channel = syslog(`syslog+tls://127.0.0.1:${collector.port}${ca}`);
    await channel.send(toldOf('opened'), signal);
    expect(collector.faults).toEqual([]);
    expect(collector.messages.map(({ id }) => id)).toEqual(['incident.opened']);
    await collector.close();
  });

  it('is told nothing where it cannot prove who it is', async () => {
    const collector = await openCollector({ tls });
    const foreign = syslog(`syslog+tls://127.0.0.1:${collector.port}`);
    await expect(foreign.send(toldOf('opened'), signal)).rejects.toThrow(/certificate/);
    const other = syslog(`syslog+tls://localhost:${collector.port}${ca}`);
    await expect(other.send(toldOf('opened'), signal)).rejects.toThrow(/localhost/);
    expect(collector.messages).toEqual([]);
    await collector.close();
  });
});
