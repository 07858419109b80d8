/** The outbox over real receivers: down first and up later, crashes, order, and secrets. */
import { createServer } from 'node:net';
import { utf8, uuidv7 } from '@merlon/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mailIn } from '../../src/notify/mail.ts';
import type { Channel } from '../../src/notify/notice.ts';
import { delayAfter } from '../../src/notify/outbox.ts';
import { platformActor } from '../../src/people/people.ts';
import { closeIncident, respondTo, runByHand } from '../../src/respond/respond.ts';
import { startTest } from '../support/platform.ts';
import { sealedVersion } from '../support/sealed.ts';
import { login, openPostOffice } from './post-office.ts';
import { type Desk, end, listen, openDesk } from './support.ts';

const dayMs = 86_400_000;
let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(() => desk.close());

/** A port that was free a moment ago and refuses connections now. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await end(server);
  return port;
}

function mailTo(port: number, who = ''): Channel {
  const channel = mailIn({
    MERLON_SMTP_URL: `smtp://${who}127.0.0.1:${port}`,
    MERLON_MAIL_FROM: 'merlon@example.com',
    MERLON_MAIL_TO: 'oncall@example.org',
  });
  if (channel === null) throw new Error('expected a channel');
  return channel;
}

describe('a receiver that is down first', () => {
  it('is told once it is up, also by the process after a crash', async () => {
    const port = await freePort();
    const before = desk.open([mailTo(port)]);
    await desk.put(before, 'opened');
    await before.deliver();
    expect(desk.faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^incident .* was not told by e-mail: .*ECONNREFUSED/),
    ]);
    const office = await openPostOffice({}, port);
    // Nothing is left of the first outbox but what it wrote.
    const after = desk.open([mailTo(port)]);
    await after.deliver();
    expect(office.mails).toEqual([]);
    desk.clock.advance(delayAfter(1));
    await after.deliver();
    expect(office.mails.length).toBe(1);
    expect(await desk.notes()).toEqual([
      'Told by e-mail that it was opened: 1 of 1 recipients accepted',
    ]);
    desk.clock.advance(dayMs);
    await after.deliver();
    expect(office.mails.length).toBe(1);
    expect(desk.faults.length).toBe(1);
    await office.close();
  });

  it('hears that it was opened before that it was closed', async () => {
    const port = await freePort();
    const outbox = desk.open([mailTo(port)]);
    await desk.put(outbox, 'opened');
    await outbox.deliver();
    const office = await openPostOffice({}, port);
    await desk.put(outbox, 'closed');
    await outbox.deliver();
    expect(office.mails).toEqual([]);
    desk.clock.advance(delayAfter(1));
    await outbox.deliver();
    expect(office.mails.map(({ headers }) => headers.subject)).toEqual([
      expect.stringContaining('Incident opened'),
      expect.stringContaining('Incident closed'),
    ]);
    await office.close();
  });

  it('is tried ever more seldom, and given up after a day', async () => {
    const outbox = desk.open([mailTo(await freePort())]);
    await desk.put(outbox, 'opened');
    let tries = 0;
    for (let [next] = await owed(); next !== undefined; [next] = await owed()) {
      desk.clock.advance(Math.max(0, Date.parse(next.dueAt) - desk.clock.nowMs()));
      await outbox.deliver();
      tries++;
    }
    expect(tries).toBeGreaterThan(30);
    expect(tries).toBeLessThan(40);
    expect([1, 2, 3, 11, 99].map(delayAfter)).toEqual([5000, 10_000, 20_000, 3.6e6, 3.6e6]);
    expect(await desk.notes()).toEqual([
      expect.stringMatching(/^Not told by e-mail, given up after \d+ attempts: .*ECONNREFUSED/),
    ]);
    // The first failure and the end are told, not all between.
    expect(desk.faults.map(({ message }) => message)).toEqual([
      expect.stringContaining('ECONNREFUSED'),
      expect.stringMatching(/\(given up\)$/),
    ]);
  });
});

const owed = () => desk.store.notices(['e-mail'], 10);

describe('what is owed', () => {
  it('is no more than what was committed', async () => {
    const outbox = desk.open([mailTo(1)]);
    const cut = desk.store.transaction(async (tx) => {
      await outbox.put(tx, desk.incident, 'opened');
      throw new Error('cut off');
    });
    await expect(cut).rejects.toThrow('cut off');
    expect(await owed()).toEqual([]);
  });

  it('is told once, however often it was put before', async () => {
    const office = await openPostOffice();
    const outbox = desk.open([mailTo(office.port)]);
    for (let i = 0; i < 3; i++) await desk.put(outbox, 'opened');
    await Promise.all([outbox.deliver(), outbox.deliver()]);
    expect(office.mails.length).toBe(1);
    await office.close();
  });

  it('stays owed when the end of the process cuts it off', async () => {
    const connected = Promise.withResolvers<void>();
    const office = await openPostOffice({ onConnect: () => connected.resolve() });
    const outbox = desk.open([mailTo(office.port)]);
    await desk.put(outbox, 'opened');
    outbox.start();
    await connected.promise;
    await outbox.stop();
    expect(await owed()).toMatchObject([{ event: 'opened', attempts: 0 }]);
    expect(desk.faults).toEqual([]);
    await office.close();
  });

  it('tells no secret, even where the server repeats it', async () => {
    const office = await openPostOffice({ allowInsecureAuth: true });
    const wrong = 'hunter2-and-more';
    const who = `${encodeURIComponent(login.user)}:${wrong}@`;
    const outbox = desk.open([mailTo(office.port, who)]);
    await desk.put(outbox, 'opened');
    await outbox.deliver();
    desk.clock.advance(dayMs);
    await outbox.deliver();
    const said = [...desk.faults.map(({ message }) => message), ...(await desk.notes())];
    expect(said.length).toBe(3);
    for (const text of said) {
      expect(text).toContain('"…" is wrong');
      expect(text).not.toContain(wrong);
    }
    expect(desk.faults.every(({ cause }) => cause === undefined)).toBe(true);
    await office.close();
  });
});

describe('the platform', () => {
  it('tells when an incident opens, is run by hand, and closes', async () => {
    const office = await openPostOffice();
    const platform = await startTest({ channels: [mailTo(office.port)] });
    const { client } = await platform.person('owner');
    const files = { 'a.txt': utf8('a') };
    const version = await sealedVersion(platform, client, { name: 'm', kind: 'models', files });
    const { services, containment, workspaceId } = platform.running.platform;
    const at = new Date().toISOString();
    const alert = {
      ...{ id: uuidv7(services.clock), workspaceId, versionId: version.id, deploymentId: '' },
      ...{ keyId: null, detector: 'scan-critical', at, statistic: 1, threshold: 0 },
      ...{ detail: { title: 'calls' }, incidentId: null },
    };
    const incident = await respondTo(services, containment, { alert, sinceMs: Date.parse(at) });
    if (incident === null) throw new Error('expected an incident');
    const subject = async () => (await office.next()).headers.subject;
    expect(await subject()).toMatch(/Incident opened \(critical\)/);
    const actor = platformActor(workspaceId);
    const wish = { playbook: null, dryRun: false };
    await services.outbox.deliver();
    const { steps } = await runByHand(services, containment, { actor, incident, wish });
    expect(steps[0]?.text).toBe('no webhook is configured; told by e-mail');
    expect(await subject()).toMatch(/Incident opened/);
    await services.outbox.deliver();
    await closeIncident(services, actor, incident, 'done');
    expect(await subject()).toMatch(/Incident closed/);
    await platform.close();
    expect(platform.faults).toEqual([]);
    await office.close();
  });
});
