/** A store with an incident, an outbox beside it, and what receivers of tests share. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime, type ManualClock, manualClock, uuidv7 } from '@merlon/core';
import { authority, makeCertificate, openssl } from '../../../vault/test/sign/certificates.ts';
import { localBus } from '../../src/bus/local.ts';
import type { Incident } from '../../src/model.ts';
import type { Channel, NoticeEvent, Told } from '../../src/notify/notice.ts';
import { type Outbox, openOutbox } from '../../src/notify/outbox.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Store } from '../../src/store/store.ts';

/** An incident as a detector opens it. */
export function incidentOf(clock: ManualClock = manualClock()): Incident {
  return {
    ...{ id: uuidv7(clock), workspaceId: 'w', versionId: 'v', severity: 'high', state: 'open' },
    ...{ title: 'Somebody is extracting the model through its API', technique: 'AML.T0024.002' },
    ...{ startedAt: '2026-11-25T11:59:00.000Z', detectedAt: '2026-11-25T12:00:00.000Z' },
    ...{ containedAt: null, closedAt: null },
    detail: { detector: 'extraction-prada', keyId: 'key-of-somebody' },
  };
}

/** Something to tell, without a store. */
export function toldOf(event: NoticeEvent, change: Partial<Incident> = {}): Told {
  const incident = { ...incidentOf(), ...change };
  return { id: 'notice-1', event, at: '2026-11-25T12:00:01.000Z', incident };
}

/** A store with one incident, and outboxes over it. */
export interface Desk {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly incident: Incident;
  readonly faults: Error[];
  open(channels: readonly Channel[]): Outbox;
  put(outbox: Outbox, event: NoticeEvent): Promise<void>;
  notes(): Promise<string[]>;
  close(): Promise<void>;
}

/** Opens one in a fresh folder. */
export async function openDesk(): Promise<Desk> {
  const folder = mkdtempSync(join(tmpdir(), 'merlon-notify-'));
  const { store } = await openSqlite(join(folder, 'x.db'), new Uint8Array(32).fill(9));
  const clock = manualClock(Date.parse('2026-11-25T12:00:01Z'));
  const incident = incidentOf(clock);
  await store.addIncident(incident);
  const faults: Error[] = [];
  const onFault = (error: unknown): void => void faults.push(error as Error);
  return {
    ...{ store, clock, incident, faults },
    open: (channels) => openOutbox({ store, clock, bus: localBus(), channels, onFault }),
    put: async (outbox, event) => {
      if (event === 'closed') {
        const closedAt = isoTime(clock.nowMs());
        await store.updateIncident(incident.id, { state: 'closed', closedAt });
      }
      await store.transaction((tx) => outbox.put(tx, incident, event));
    },
    notes: async () => (await store.timeline(incident.id)).map(({ text }) => text),
    close: async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Listens on loopback; comes back with the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Closes it and waits until it is. */
export async function end(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** A key and certificate for 127.0.0.1 with the file of their authority; null without openssl. */
export interface TestTls {
  readonly key: string;
  readonly cert: string;
  readonly caFile: string;
}

/** Makes them in a folder. */
export function makeTls(folder: string): TestTls | null {
  if (openssl === null) {
    console.warn('skipped: no openssl to make certificates for TLS');
    return null;
  }
  makeCertificate(folder, { name: 'ca', extensions: authority });
  const extensions = ['basicConstraints=CA:FALSE', 'subjectAltName=IP:127.0.0.1'];
  makeCertificate(folder, { name: 'server', issuer: 'ca', extensions });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  return { key: read('server.key'), cert: read('server.pem'), caFile: join(folder, 'ca.pem') };
}
