/** Mail to a real server: login, STARTTLS, what is in it, and what never leaves in the clear. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mailIn } from '../../src/notify/mail.ts';
import type { Channel } from '../../src/notify/notice.ts';
import { login, openPostOffice } from './post-office.ts';
import { makeTls, toldOf } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-mail-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tls = makeTls(folder);
const { signal } = new AbortController();
const who = `${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}`;

function mail(url: string, to = 'oncall@example.org, second@example.org'): Channel {
  const names = { MERLON_MAIL_FROM: 'merlon@example.com', MERLON_MAIL_TO: to };
  const channel = mailIn({ MERLON_SMTP_URL: url, ...names });
  if (channel === null) throw new Error('expected a channel');
  return channel;
}

describe('mail within this machine', () => {
  it('says what happened to all recipients, with a login', async () => {
    const office = await openPostOffice({ allowInsecureAuth: true });
    const told = toldOf('opened');
    const channel = mail(`smtp://${who}@127.0.0.1:${office.port}`);
    expect(await channel.send(told, signal)).toBe('2 of 2 recipients accepted');
    const got = await office.next();
    expect(got).toMatchObject({
      ...{ from: 'merlon@example.com', to: ['oncall@example.org', 'second@example.org'] },
      ...{ secure: false, user: login.user },
    });
    const title = 'Somebody is extracting the model through its API';
    expect(got.headers).toMatchObject({
      subject: `[Merlon] Incident opened (high): ${title}`,
      from: 'merlon@example.com',
      to: 'oncall@example.org, second@example.org',
      'message-id': '<notice-1@example.com>',
      references: `<${told.incident.id}@example.com>`,
      'auto-submitted': 'auto-generated',
      'content-type': 'text/plain; charset=utf-8',
    });
    expect(got.body).toContain(`Incident: ${told.incident.id}\r\n`);
    expect(got.body).toContain('Technique: MITRE ATLAS AML.T0024.002\r\n');
    expect(got.body).toContain(`Read on: merlon incident show ${told.incident.id}\r\n`);
    expect(got.body).not.toContain('key-of-somebody');
    await office.close();
  });

  it('keeps a title with line breaks and foreign letters in its one header', async () => {
    const office = await openPostOffice();
    const title = 'größer\r\nBcc: thief@example.net';
    await mail(`smtp://127.0.0.1:${office.port}`).send(toldOf('closed', { title }), signal);
    const { headers, to } = await office.next();
    expect(headers.bcc).toBeUndefined();
    expect(to).not.toContain('thief@example.net');
    await office.close();
  });

  it('counts recipients that were refused, and throws where all were', async () => {
    const office = await openPostOffice();
    const url = `smtp://127.0.0.1:${office.port}`;
    const some = mail(url, 'gone@example.org,here@example.org');
    expect(await some.send(toldOf('opened'), signal)).toBe('1 of 2 recipients accepted');
    await expect(mail(url, 'gone@example.org').send(toldOf('opened'), signal)).rejects.toThrow(
      /nobody of that name/,
    );
    await office.close();
  });

  it('ends at once when it is told to', async () => {
    // Greets nobody, so that the client waits.
    const office = await openPostOffice({ onConnect: () => undefined });
    const stop = new AbortController();
    const sent = mail(`smtp://127.0.0.1:${office.port}`).send(toldOf('opened'), stop.signal);
    stop.abort(new Error('stopping'));
    await expect(sent).rejects.toThrow();
    await office.close();
  });
});

describe.skipIf(tls === null)('mail by TLS', () => {
  const ca = `?ca=${encodeURIComponent(tls?.caFile ?? '')}`;
  const pair = { key: tls?.key ?? '', cert: tls?.cert ?? '' };

  it('upgrades by STARTTLS before it says who it is', async () => {
    const office = await openPostOffice({ ...pair, disabledCommands: [], authOptional: false });
    await mail(`smtp://${who}@127.0.0.1:${office.port}${ca}`).send(toldOf('opened'), signal);
    expect(await office.next()).toMatchObject({ secure: true, user: login.user });
    await office.close();
  });

  it('speaks TLS from the first byte with smtps:', async () => {
    const office = await openPostOffice({ ...pair, secure: true });
    await mail(`smtps://127.0.0.1:${office.port}${ca}`).send(toldOf('opened'), signal);
    expect(await office.next()).toMatchObject({ secure: true, user: null });
    await office.close();
  });

  it('says nothing to a server without STARTTLS or with a foreign certificate', async () => {
    const plain = await openPostOffice({ allowInsecureAuth: true });
    const asked = mail(`smtp://${who}@127.0.0.1:${plain.port}${ca}`).send(toldOf('opened'), signal);
    await expect(asked).rejects.toThrow(/STARTTLS|TLS/);
    expect(plain.mails).toEqual([]);
    await plain.close();
    const foreign = await openPostOffice({ ...pair, secure: true });
    const distrusted = mail(`smtps://${who}@127.0.0.1:${foreign.port}`);
    await expect(distrusted.send(toldOf('opened'), signal)).rejects.toThrow(/certificate/);
    expect(foreign.mails).toEqual([]);
    await foreign.close();
  });
});
